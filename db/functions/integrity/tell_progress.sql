create or replace function wallet.tell_progress(
  p_progress jsonb
)
returns void
language plpgsql
stable
as $$
begin
  raise debug using message = 'pgwallet verification', detail = p_progress::text;
end;
$$;

comment on function wallet.tell_progress(jsonb) is
  'Tells the client at once how far a verification is, where client_min_messages is debug1: a row would be seen only after it.';
