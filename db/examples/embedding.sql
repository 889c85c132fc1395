-- An order and its payment in one transaction of a shop's own login. Run by an administrator, who makes the login here.
\set ON_ERROR_STOP off
\set QUIET on
begin;
create role example_shop in role wallet_app;
create schema example_shop authorization example_shop;

\echo From here on the login of the shop calls: wallet_app may move and read money for the user whom it names.
set session authorization example_shop;
create table example_shop.orders (
  id uuid primary key,
  user_id uuid not null,
  amount bigint not null check (amount > 0),
  status text not null
);
select user_id, wallet_id from wallet_register('example-customer', 'no password: this one never signs in') \gset
select balance from wallet_topup(:'wallet_id', gen_random_uuid(), 500, 'card 4711', p_actor => :'user_id');

\echo An order and its payment: both are committed, or neither. The id of the order is the txn_id.
insert into example_shop.orders values ('11111111-0000-4000-8000-000000000001', :'user_id', 300, 'paid');
select type, amount, balance, replayed
from wallet_spend(:'wallet_id', '11111111-0000-4000-8000-000000000001', 300, 'order 1', p_actor => :'user_id');

\echo The same payment again, as after a commit whose answer was lost: the first result, and nothing is written.
select type, amount, balance, replayed
from wallet_spend(:'wallet_id', '11111111-0000-4000-8000-000000000001', 300, 'order 1', p_actor => :'user_id');

\echo A refusal ends the transaction, as every error does, unless a savepoint was set. The order goes with the payment.
\set VERBOSITY sqlstate
savepoint before_order;
insert into example_shop.orders values ('11111111-0000-4000-8000-000000000002', :'user_id', 9000, 'paid');
select wallet_spend(:'wallet_id', '11111111-0000-4000-8000-000000000002', 9000, 'order 2', p_actor => :'user_id');
rollback to savepoint before_order;
select id, amount, status from example_shop.orders;

\echo In PL/pgSQL a block with an exception clause is a savepoint. The detail of the error is JSON.
create function example_shop.pay(p_order example_shop.orders, p_wallet_id uuid) returns text language plpgsql as $$
declare
  v_detail jsonb;
begin
  perform wallet_spend(p_wallet_id, p_order.id, p_order.amount, p_actor => p_order.user_id);
  return 'paid';
exception
  when sqlstate 'WA003' then
    get stacked diagnostics v_detail = pg_exception_detail;
    return format('refused: %s of %s', v_detail ->> 'available', v_detail ->> 'requested');
end;
$$;
insert into example_shop.orders
values ('11111111-0000-4000-8000-000000000003', :'user_id', 9000, 'new'),
  ('11111111-0000-4000-8000-000000000004', :'user_id', 50, 'new');
update example_shop.orders o set status = example_shop.pay(o, :'wallet_id') where o.status = 'new';
select id, amount, status from example_shop.orders order by id;

\echo Reserved with the order, taken with the parcel.
insert into example_shop.orders values ('11111111-0000-4000-8000-000000000005', :'user_id', 100, 'reserved');
select type, amount, balance, available
from wallet_hold(:'wallet_id', '11111111-0000-4000-8000-000000000005', 100, p_actor => :'user_id');
update example_shop.orders set status = 'paid' where id = '11111111-0000-4000-8000-000000000005';
select type, amount, balance, available
from wallet_capture(
  :'wallet_id', '11111111-0000-4000-8000-000000000006', '11111111-0000-4000-8000-000000000005', 100, p_final => true,
  p_actor => :'user_id'
);

\echo A trap: (f(…)).* calls f once for each column. With a txn_id of its own each call spends: 12, not 1.
select (wallet_spend(:'wallet_id', gen_random_uuid(), 1, p_actor => :'user_id')).* \g /dev/null
select balance from wallet_balance(:'wallet_id', p_actor => :'user_id');

\echo Whoever names no user, or an operator, is refused.
savepoint before_nobody;
select wallet_spend(:'wallet_id', gen_random_uuid(), 1);
rollback to savepoint before_nobody;

\echo The ledger is sound: no row.
reset session authorization;
select * from wallet_verify();

rollback;
