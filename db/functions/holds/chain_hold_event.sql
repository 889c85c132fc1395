create or replace function wallet.chain_hold_event()
returns trigger
language plpgsql
as $$
begin
  new.hash := wallet.hold_event_hash(new);
  return new;
end;
$$;

comment on function wallet.chain_hold_event() is 'Trigger: hashes an event of a hold. Written under the lock of the hold''s wallet, so that its predecessor is on record.';
