-- The one judgement of keys: of a single call and of each item of a batch, by the same reasons.
select plan(9);

select lives_ok(
  $$
    select wallet_set_role('bob', 'operator');
    select wallet_erase_user(user_of('charlie'), 'on request');
    select wallet_register('dora', 'hash');
    select wallet_create_key(txn(900), 'for two', sha256('900'), 'pgw_00000900', '{topup,hold}', array[user_of('alice'), user_of('dora')]);
    select wallet_create_key(txn(901), 'for all', sha256('901'), 'pgw_00000901', '{read}', p_all_users => true);
    select wallet_create_key(txn(902), 'revoked', sha256('902'), 'pgw_00000902', '{read}', p_all_users => true);
    select wallet_revoke_key(txn(902));
    select wallet_create_key(txn(903), 'expires', sha256('903'), 'pgw_00000903', '{read}', p_all_users => true, p_expires_at => clock_timestamp() + interval '1 hour');
    set local session_replication_role = replica;
    update wallet.api_keys set expires_at = clock_timestamp() - interval '1 second' where id = txn(903);
    set local session_replication_role = origin;
  $$, 'there are four keys'
);

-- each place: a key, a type of request, a user, and what there is against it
create temp table asked as
select row_number() over () as place, v.*
from (values
  (txn(900), 'topup', user_of('alice'), null), (txn(900), 'topup', user_of('dora'), null),
  (txn(900), 'capture', user_of('alice'), null), (txn(900), 'void', user_of('alice'), null),
  (txn(900), 'spend', user_of('alice'), 'scope'), (txn(900), 'adjustment', user_of('alice'), 'scope'),
  (txn(900), null, user_of('alice'), 'scope'), (txn(901), 'read', user_of('alice'), null),
  (txn(900), 'topup', wallet_of('alice'), 'subject'), (txn(901), 'read', user_of('bob'), 'subject'),
  (txn(901), 'read', (select w.owner_id from wallet.wallets w where w.is_erased), 'subject'),
  (txn(901), 'read', txn(1), 'subject'), (txn(901), 'read', null, 'subject'),
  (txn(902), 'read', user_of('alice'), 'revoked'), (txn(903), 'read', user_of('alice'), 'expired'),
  (txn(904), 'read', user_of('alice'), 'unknown')
) v (key_id, type, actor, reason);
create temp table refusals as
select wallet.key_refusals(array_agg(a.key_id order by a.place), array_agg(a.type order by a.place), array_agg(a.actor order by a.place)) as found
from asked a;

select is((select count(a.actor) from asked a), 15::bigint, 'all but nobody are somebody');
select results_eq(
  $$ select a.place, r.found[a.place] ->> 'reason' from asked a, refusals r order by a.place $$,
  $$ select a.place, a.reason from asked a order by a.place $$, 'each item is judged by its own key, type and user'
);
select results_eq(
  $$ select a.place, wallet.key_refusal(a.key_id, wallet.key_scope(a.type), a.actor) from asked a order by a.place $$,
  $$ select a.place, r.found[a.place] from asked a, refusals r order by a.place $$, 'as it is alone'
);
select is(
  (select r.found[5] from refusals r), jsonb_build_object('key_id', txn(900), 'reason', 'scope', 'scope', 'spend'), 'with the key and the scope that it lacks'
);
select is(
  wallet.key_refusals(array[txn(900), null, txn(900)], '{topup,spend,topup}', array[user_of('alice'), user_of('bob'), user_of('dora')]), null, 'null as a whole where nothing is refused; no key is none'
);
select is(
  (select array_agg(f ->> 'reason') from unnest(wallet.key_refusals(array[txn(900), null, txn(901)], '{topup,spend,read}', null)) f), '{subject,NULL,subject}'::text[], 'without users there is no subject'
);
select is(
  array(select wallet.key_scope(t) from unnest('{read,topup,spend,transfer,refund,hold,capture,void,bonus}'::text[]) with ordinality u (t, n) order by n),
  '{read,topup,spend,transfer,refund,hold,hold,hold,bonus}'::text[], 'who may hold may capture and void'
);
select is(
  array[
    wallet.key_reason(null, null, null, null, null, 'read', true, true), wallet.key_reason(txn(1), now(), now(), '{}', false, 'read', false, false),
    wallet.key_reason(txn(1), null, statement_timestamp(), '{}', false, 'read', false, false), wallet.key_reason(txn(1), null, null, '{topup}', false, 'read', false, false),
    wallet.key_reason(txn(1), null, null, '{read}', true, 'read', false, true), wallet.key_reason(txn(1), null, null, '{read}', false, 'read', true, false),
    wallet.key_reason(txn(1), null, 'infinity', '{read}', false, 'read', true, true)
  ],
  '{unknown,revoked,expired,scope,subject,subject,NULL}'::text[], 'of several reasons the first is told'
);
select * from finish();
