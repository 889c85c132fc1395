-- What stands before every function: who calls, in whose name, and whether that login may. SET ROLE changes nothing.
select plan(19);

create role passerby login;
select wallet_set_role('bob', 'operator');
select wallet_create_key(txn(900), 'a shop', sha256('900'), 'pgw_00000900', '{topup}', array[user_of('alice')]);
create temp table who as
select user_of('alice') as alice, user_of('bob') as bob, wallet_of('alice') as wallet, wallet.system_wallet_id('UC', 'topup') as system;
grant select on who to public;
-- with the rights of the functions that call these, and the login of who calls those
create function pg_temp.gate(p_call text) returns text
language plpgsql security definer set search_path = public, tap, pg_temp as $$ begin return refused(format('select wallet.%s from who w', p_call)); end $$;
create function pg_temp.said(p_call text) returns text
language plpgsql security definer set search_path = public, tap, pg_temp as $$ declare v text; begin execute format('select (wallet.%s)::text from who w', p_call) into v; return v; end $$;

-- an administrator
select is(array[pg_temp.said('is_believed()'), pg_temp.said('is_trusted()')], '{true,true}'::text[], 'an administrator is believed, and trusted');
select is(
  array(select pg_temp.gate(c) from unnest('{require_actor(null),require_actor(w.bob),require_trust(),require_service(),require_role(null),require_role(w.bob)}'::text[]) c),
  array_fill('no error'::text, array[6]), 'who passes every gate'
);
select is(pg_temp.gate('require_role(w.alice)'), 'WA027', 'in the name of a user none that is for operators');

-- the service
set local session authorization wallet_api;
select is(array[pg_temp.said('is_believed()'), pg_temp.said('is_trusted()')], '{true,false}'::text[], 'the service is believed, not trusted');
select is(
  array(select pg_temp.gate(c) from unnest('{require_actor(w.alice),require_actor(w.bob),require_service(),require_role(w.bob)}'::text[]) c),
  array_fill('no error'::text, array[4]), 'it acts for users and operators'
);
select is(pg_temp.gate('require_actor(null)'), 'WA002 actor', 'never for nobody');
select is(pg_temp.gate($$require_actor(null, 'actors')$$), 'WA002 actors', 'by the name of what was left out');
select is(pg_temp.gate('require_role(null)'), 'WA002 actor', 'nor as an operator who is nobody');
select is(pg_temp.gate('require_trust()'), 'WA035', 'what is for administrators is not for it');

-- anybody else
reset session authorization;
set local session authorization passerby;
select is(array[pg_temp.said('is_believed()'), pg_temp.said('is_trusted()')], '{false,false}'::text[], 'another login is neither');
select is(
  array(select pg_temp.gate(c) from unnest('{require_actor(null),require_actor(w.bob),require_trust(),require_service()}'::text[]) c),
  '{"WA002 actor","WA002 actor",WA035,WA035}'::text[], 'it passes none of them, and names no operator'
);
select is(pg_temp.gate('require_actor(w.alice)'), 'no error', 'a user it may name');
select is(pg_temp.gate($$require_key(txn(900), 'topup', w.alice)$$), 'WA035', 'but no key, which it cannot have been sent');
reset session authorization;

-- keys and wallets
select is(pg_temp.gate($$require_key(txn(900), 'topup', w.alice)$$), 'no error', 'a key may do what it is for');
select is(
  array(select pg_temp.gate(c) from unnest(array[$$require_key(txn(900), 'topup', null)$$, $$require_key(txn(900), 'read', w.alice)$$, $$require_key(txn(900), 'topup', w.bob)$$, $$require_key(null, 'topup', w.alice)$$]) c),
  '{"WA002 actor",WA047,WA047,WA047}'::text[], 'not without a user, nor without the scope, nor for another; and no key is none'
);
select is(
  array(select pg_temp.said(format('is_visible((select x from wallet.wallets x where x.id = %s), %s)', c.wallet, c.actor))
    from (values ('w.wallet', 'w.alice'), ('w.wallet', 'null'), ('w.wallet', 'w.bob'), ('w.system', 'null')) c (wallet, actor)),
  '{true,true,false,false}'::text[], 'a wallet is its owner''s, and anybody''s who need not name one; a system wallet nobody''s'
);
select is((select (r.asset, r.scale, r.status, r.floor, r.has_holds)::text from who w, wallet.require_wallet(w.wallet, w.alice, null) r), '(UC,0,active,0,f)', 'what is known of a wallet that may be read');
select is(
  array(select pg_temp.gate(c) from unnest('{"require_wallet(w.wallet, w.bob, null)","require_wallet(w.system, null, null)","require_wallet(null, w.alice, null)","require_wallet(w.wallet, w.alice, txn(900))"}'::text[]) c),
  '{WA001,WA001,"WA002 wallet_id",WA047}'::text[], 'another''s is unknown, as one that is not there; a key needs its scope'
);
set local role passerby;
select is(pg_temp.said('is_trusted()'), 'true', 'the login counts, not the role that it has taken on');
reset role;
select * from finish();
