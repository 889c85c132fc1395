-- A request that waits is rejected, for good.
select plan(23);

select lives_ok(
  $$ select wallet_set_role(u, 'operator') from unnest('{bob,charlie}'::text[]) u; select wallet_register('dora', 'hash'), wallet_set_role('dora', 'operator') $$,
  'there are three operators'
);
create function proposed(p_txn_id uuid, p_wallet text default 'alice') returns bigint
language sql as $$ select c.id from wallet_propose('adjustment', wallet_of(p_wallet), p_txn_id, null, 50, 'a mistake', null, null, 0, user_of('bob')) c $$;
create temp table ids as select proposed(txn(1)) as first, proposed(txn(2)) as second, proposed(txn(3), 'dora') as doras, proposed(txn(4)) as fourth;
grant select on ids to public;

set local session authorization wallet_api;
select is(refused(format($$ select wallet_reject(%s, 'no', user_of('alice')) $$, first)), 'WA027', 'it is for operators') from ids;
select is(refused(format($$ select wallet_reject(%s, 'no') $$, first)), 'WA002 actor', 'the service says for whom') from ids;
select is(refused(format($$ select wallet_reject(%s, null, user_of('charlie')) $$, first)), 'WA002 reason', 'a reason must be given') from ids;
select is(refused(format($$ select wallet_reject(%s, '', user_of('charlie')) $$, first)), 'WA002 reason', 'that says something') from ids;
select is(refused(format($$ select wallet_reject(%s, repeat('x', 257), user_of('charlie')) $$, first)), 'WA002 reason', 'in 256 characters') from ids;
select is(refused($$ select wallet_reject(0, 'no', user_of('charlie')) $$), 'WA039', 'there must be a request');
select is(refused(format($$ select wallet_reject(%s, 'no', user_of('dora')) $$, doras)), 'WA038', 'nobody rejects what is about their own wallet') from ids;
select results_eq(
  'select r.id, r.status, r.reason, r.decided_by, r.decided_at is not null, r.transaction_id from ids, wallet_reject(first, ''no such mistake'', user_of(''charlie'')) r',
  $$ select first, 'rejected', 'no such mistake', user_of('charlie'), true, null::bigint from ids $$, 'another operator rejects it'
);
select results_eq(
  'select r.reason, r.decided_by from ids, wallet_reject(first, ''another reason'', user_of(''dora'')) r',
  $$ values ('no such mistake', user_of('charlie')) $$, 'again, it is the first rejection'
);
select is((select r.status from ids, wallet_reject(second, 'my mistake', user_of('bob')) r), 'rejected', 'so does who asked for it');
select is(refused(format($$ select wallet_confirm(%s, user_of('charlie')) $$, first)), 'WA040', 'what was rejected cannot be confirmed') from ids;
reset session authorization;
select is((select r.decided_by from ids, wallet_reject(doras, 'by psql') r), null, 'an administrator rejects too');
select is(
  refused($$ select wallet_propose('adjustment', wallet_of('alice'), txn(1), null, 50, 'a mistake', null, null, 0, user_of('bob')) $$), 'WA040', 'who asks again learns of it'
);
select results_eq(
  $$ select a.actor, a.reason, (a.detail ->> 'confirmation_id')::bigint from wallet.operator_actions a where a.action = 'reject' order by a.id $$,
  $$ select v.* from ids, lateral (values (user_of('charlie'), 'no such mistake', first), (user_of('bob'), 'my mistake', second), (null, 'by psql', doras)) v $$, 'each is on record once'
);
select is((select sum(balance_of(u)) from unnest('{alice,dora}'::text[]) u), 2000::numeric, 'nothing moved');
select is((wallet_topup(wallet_of('alice'), txn(1), 5)).replayed, false, 'the wallet''s owner can still use the txn_id');

-- what is written of it stays
select is(refused($$ update wallet.confirmations set amount = 5000 where status = 'waiting' $$), 'WA008', 'a request that waits never changes');
select is(refused($$ update wallet.confirmations set status = 'waiting', decided_by = null, decided_at = null where status = 'rejected' $$), 'WA008', 'nor what was decided');
select is(refused($$ delete from wallet.confirmations $$), 'WA008', 'none goes');
select throws_ok(
  $$ update wallet.confirmations set status = 'confirmed', decided_by = actor, decided_at = now(), transaction_id = 1 where status = 'waiting' $$, '23514', null,
  'nobody is the second operator of their own request, whoever writes it'
);
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'her wish') $$, 'alice is erased');
select is((select array_agg(reason) from wallet.confirmations where reason is not null), '{by psql}', 'and with her the reasons');
select * from finish();
