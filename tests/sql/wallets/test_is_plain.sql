-- A plain wallet is one of whose requests only the balance can refuse any. The column decides who takes the short way.
create function pg_temp.plain_of(p_user text) returns boolean
language sql
as $$ select w.is_plain from wallet.wallets w where w.id = wallet_of(p_user) $$;

-- How many of all the states that a user wallet can be in are plain by the column, by the function, by both.
create function pg_temp.plain_states() returns integer[]
language plpgsql
as $$
declare
  v_state record;
  v_row wallet.wallets;
  v_found integer[] := '{0, 0, 0, 0}';
begin
  set local session_replication_role = replica;
  for v_state in
    select *
    from unnest('{active, frozen, closed}'::text[]) s (status), unnest('{0, -1}'::bigint[]) f (floor),
      unnest('{null, 0, 5}'::bigint[]) m (max_balance), unnest('{f, t}'::boolean[]) h (has_holds),
      unnest('{f, t}'::boolean[]) l (has_limits), unnest('{f, t}'::boolean[]) e (is_erased)
  loop
    update wallet.wallets w
    set status = v_state.status, floor = v_state.floor, max_balance = v_state.max_balance, has_holds = v_state.has_holds,
      has_limits = v_state.has_limits, is_erased = v_state.is_erased
    where w.id = wallet_of('alice')
    returning w.* into v_row;
    v_found := array[
      v_found[1] + 1, v_found[2] + v_row.is_plain::integer, v_found[3] + wallet.is_plain(v_row)::integer,
      v_found[4] + (v_row.is_plain and wallet.is_plain(v_row))::integer
    ];
  end loop;
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;

select plan(17);

select ok(pg_temp.plain_of('alice'), 'a new wallet is plain');
select is(pg_temp.plain_states(), '{144, 1, 1, 1}', 'of all states of a wallet one is plain, by the column as by the function');
select is_empty($$ select from wallet.wallets w where w.kind = 'system' and (w.is_plain or wallet.is_plain(w)) $$, 'no system wallet is');
select throws_ok($$ update wallet.wallets set is_plain = true $$, '428C9', null, 'nobody can set it, a superuser neither');

-- it follows whatever operators and users do
select lives_ok($$ select wallet_set_status(wallet_of('alice'), 'frozen', 'a test') $$, 'frozen');
select ok(not pg_temp.plain_of('alice'), 'a frozen wallet is not plain');
select lives_ok($$ select wallet_set_status(wallet_of('alice'), 'active', 'a test') $$, 'active');
select ok(pg_temp.plain_of('alice'), 'an active one is plain again');
select lives_ok($$ select wallet_set_limits(wallet_of('alice'), p_floor => -1) $$, 'an overdraft');
select ok(not pg_temp.plain_of('alice'), 'a wallet with an overdraft is not plain');
select lives_ok($$ select wallet_set_limits(wallet_of('alice'), p_max_balance => 5000) $$, 'a maximum');
select ok(not pg_temp.plain_of('alice'), 'a wallet with a maximum is not plain');
select lives_ok(
  $$
    select wallet_set_limits(wallet_of('alice'), '{topup}', '{500}', '{null}', '{null}'), wallet_hold(wallet_of('bob'), txn(1), 1),
      wallet_erase_user(user_of('charlie'), 'a request')
  $$,
  'a limit, a hold, an erasure'
);
select is(
  array[pg_temp.plain_of('alice'), pg_temp.plain_of('bob')], '{f, f}', 'wallets with a limit or a hold are not plain'
);
select is((select bool_or(w.is_plain) from wallet.wallets w where w.is_erased), false, 'nor is that of an erased user');
select lives_ok($$ select wallet_set_limits(wallet_of('alice')) $$, 'no limits');
select ok(pg_temp.plain_of('alice'), 'a wallet whose limits are gone is plain again');
select * from finish();
