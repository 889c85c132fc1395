-- What waits for a second operator, a page at a time.
select plan(14);

select lives_ok(
  $$ select wallet_set_role(u, 'operator') from unnest('{bob,charlie}'::text[]) u;
    select wallet_propose('adjustment', wallet_of('alice'), txn(n), null, n, 'a mistake', null, null, 0, user_of('bob')) from generate_series(1, 6) n $$,
  'six requests wait'
);
create temp table ids as select c.id, row_number() over (order by c.id)::integer as n from wallet.confirmations c;
grant select on ids to public;
select lives_ok(
  $$ select wallet_confirm(id, user_of('charlie')) from ids where n in (2, 4); select wallet_reject(id, 'no', user_of('charlie')) from ids where n = 3 $$, 'three are decided'
);

set local session authorization wallet_api;
create function pg_temp.listed(p_status text, p_limit integer, p_before integer default null) returns integer[]
language sql as $$
  select array_agg(i.n order by c.ordinality)
  from wallet_confirmations(p_status, p_limit, (select id from ids where n = p_before), user_of('charlie')) with ordinality c
  join ids i on i.id = c.id
$$;
select is(pg_temp.listed(null, 50), '{6,5,4,3,2,1}', 'all, newest first');
select is(pg_temp.listed('waiting', 50), '{6,5,1}', 'those that wait');
select is(pg_temp.listed('confirmed', 50), '{4,2}', 'those that were confirmed');
select is(pg_temp.listed('rejected', 50), '{3}', 'those that were rejected');
select is(pg_temp.listed(null, 2, 5), '{4,3}', 'a page of all');
select is(pg_temp.listed('waiting', 2, 6), '{5,1}', 'a page of those that wait');
select results_eq(
  $$ select txn_id, expected, asset, scale, username, actor_username, transaction_id is not null from wallet_confirmations('confirmed', p_actor => user_of('charlie')) $$,
  $$ values (txn(4), 4::bigint, 'UC', 0::smallint, 'alice', 'bob', true), (txn(2), 2, 'UC', 0::smallint, 'alice', 'bob', true) $$,
  'each with its asset, its persons, and what became of it'
);
reset session authorization;
select results_eq(
  $$ select a.actor, a.user_id, a.detail, count(*) from wallet.operator_actions a where a.action = 'read' group by 1, 2, 3 $$,
  $$ values (user_of('charlie'), user_of('alice'), '{"of": "confirmations"}'::jsonb, 7::bigint) $$,
  'each page leaves one row for each person on it'
);
set local session authorization wallet_api;
select is(refused($$ select wallet_confirmations('gone', p_actor => user_of('bob')) $$), 'WA002 status', 'an unknown status is refused');
select is(
  array[refused($$ select wallet_confirmations(null, 0, null, user_of('bob')) $$), refused($$ select wallet_confirmations(null, 1001, null, user_of('bob')) $$)],
  array['WA002 limit', 'WA002 limit'], 'a page has 1 to 1000'
);
select is(refused($$ select wallet_confirmations(null, 1, 0, user_of('bob')) $$), 'WA024 cursor', 'and begins below an id');
select is(refused($$ select wallet_confirmations(p_actor => user_of('alice')) $$), 'WA027', 'it is for operators');
select * from finish();
