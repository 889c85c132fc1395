select plan(5);

select is_empty($$ select * from wallet_fence_holders(1) $$, 'nobody holds a fence that has passed');
select is(
  (select (h.pid, h.gid, h.login, h.database, h.since is null)::text from wallet_fence_holders(pg_current_xact_id()::text::bigint) h),
  (pg_backend_pid(), null, session_user, current_database(), true)::text,
  'whoever has an xid up to the fence and is not finished holds it back; wallet_owner may not see since when'
);
grant pg_read_all_stats to wallet_owner;
select results_eq(
  $$ select since from wallet_fence_holders(pg_current_xact_id()::text::bigint) $$, $$ values (transaction_timestamp()) $$,
  'unless it may read the statistics'
);
select is(refused('select wallet_fence_holders(null)'), 'WA002 fence', 'null is no fence');
create role stranger;
grant execute on function wallet_fence_holders to stranger;
set local session authorization stranger;
select is(refused('select wallet_fence_holders(1)'), 'WA035', 'others than the service and administrators are refused');
reset session authorization;
select * from finish();
