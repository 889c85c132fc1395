-- What the tests share beside the assertions. Security definer: a test that is connected as the service uses them too.

create function wallet_of(p_username text) returns uuid
language sql
stable
security definer
as $$
  select w.id
  from wallet.wallets w
  join wallet.users u on u.id = w.owner_id
  where u.username = p_username and w.asset = 'UC'
$$;

comment on function wallet_of(text) is 'The wallet of a user in the default asset; null when there is no such user.';

create function user_of(p_username text) returns uuid
language sql
stable
security definer
as $$
  select u.id
  from wallet.users u
  where u.username = p_username
$$;

comment on function user_of(text) is 'The id of a user; null when there is no such user.';

create function balance_of(p_username text) returns bigint
language sql
stable
security definer
as $$
  select coalesce(sum(l.amount), 0)::bigint
  from wallet.ledger l
  where l.wallet_id = tap.wallet_of(p_username)
$$;

comment on function balance_of(text) is 'The balance of a user by its definition: the sum of the entries.';

create function txn(p_number integer) returns uuid
language sql
immutable
as $$ select ('00000000-0000-4000-8000-' || lpad(p_number::text, 12, '0'))::uuid $$;

comment on function txn(integer) is 'A txn_id that reads as its number.';

create function transaction_of(p_txn_id uuid) returns bigint
language sql
stable
security definer
as $$
  select t.id
  from wallet.transactions t
  where t.txn_id = p_txn_id
$$;

comment on function transaction_of(uuid) is 'The number of the transaction that was requested with this txn_id; null when there is none.';

create function hold_of(p_txn_id uuid) returns bigint
language sql
stable
security definer
as $$
  select h.id
  from wallet.holds h
  where h.txn_id = p_txn_id
$$;

comment on function hold_of(uuid) is 'The number of the hold that was made with this txn_id; null when there is none.';

create function let_expire(p_hold_txn_id uuid) returns void
language plpgsql
set session_replication_role = replica
as $$
begin
  update wallet.holds h set expires_at = clock_timestamp() - interval '1 second' where h.txn_id = p_hold_txn_id;
  update wallet.hold_events e set hash = wallet.hold_event_hash(e)
  from wallet.holds h
  where h.txn_id = p_hold_txn_id and e.hold_id = h.id;
end;
$$;

comment on function let_expire(uuid) is 'Makes a hold, of which nothing was captured yet, as if its time had run out a second ago: no guard allows that.';

create function refusal(p_sql text) returns jsonb
language plpgsql
as $$
declare
  v_detail text;
  v_hint text;
begin
  execute p_sql;
  return null;
exception when others then
  get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
  return jsonb_build_object('code', sqlstate, 'message', sqlerrm, 'hint', v_hint, 'detail',
    case when pg_input_is_valid(v_detail, 'jsonb') then v_detail::jsonb else to_jsonb(v_detail) end);
end;
$$;

comment on function refusal(text) is 'How a statement fails: {code, message, hint, detail}; null when it succeeds.';

create function refused(p_sql text) returns text
language sql
as $$
  select case when r is null then 'no error' else concat_ws(' ', r ->> 'code', r -> 'detail' ->> 'field') end
  from tap.refusal(p_sql) r
$$;

comment on function refused(text) is 'How a statement fails, in short: the SQLSTATE and the field at fault, such as WA002 amount.';

create function found(p_tampering text, p_guarded boolean default true) returns text
language plpgsql
as $$
declare
  v_found text;
begin
  if p_guarded then
    set local role wallet_owner;
  else
    set local session_replication_role = replica;
  end if;
  execute p_tampering;
  reset role;
  set local session_replication_role = origin;
  select string_agg(distinct v.violation, ', ' order by v.violation) into v_found from wallet_verify() v;
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;

comment on function found(text, boolean) is
  'The violations that wallet_verify() finds after this change, which is taken back. It is made as the owner with all guards on, or with the guards off.';
