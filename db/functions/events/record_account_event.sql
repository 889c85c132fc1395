-- Whoever calls it has written or locked a row before: the xid must come before the id, or a reader could miss it.
create or replace function wallet.record_account_event(
  p_type text,
  p_user_id uuid,
  p_wallet_id uuid default null,
  p_data jsonb default '{}'
)
returns bigint
language plpgsql
volatile
as $$
declare
  v_id bigint;
begin
  if pg_current_xact_id_if_assigned() is null then
    raise exception 'an event draws its id before its transaction has an xid';
  end if;
  insert into wallet.account_events (type, user_id, wallet_id, data)
  values (p_type, p_user_id, p_wallet_id, p_data)
  returning id into v_id;
  return v_id;
end;
$$;

comment on function wallet.record_account_event(text, uuid, uuid, jsonb) is
  'Notes what happened to a user or a wallet, as an event; returns its id. p_data must not name a person: it outlives an erasure.';
