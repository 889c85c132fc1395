-- The reviewed list of who may execute what, beside the owner. A new line here is a decision: say in the commit why.
create temp table reviewed (role text, function text);
insert into reviewed values
  ('wallet_api', 'wallet_balance(uuid,uuid)'),
  ('wallet_api', 'wallet_balance_at(uuid,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_batch(text[],uuid[],uuid[],bigint[],text[],jsonb[],uuid[],boolean)'),
  ('wallet_api', 'wallet_credentials(text)'),
  ('wallet_api', 'wallet_entries(uuid,integer,bigint,uuid)'),
  ('wallet_api', 'wallet_principal(uuid)'),
  ('wallet_api', 'wallet_register(text,text)'),
  ('wallet_api', 'wallet_spend(uuid,uuid,bigint,text,jsonb,uuid)'),
  ('wallet_api', 'wallet_topup(uuid,uuid,bigint,text,jsonb,uuid)');

create temp view granted as
select a.grantee::regrole::text as role, p.oid::regprocedure::text as function
from pg_proc p
cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where (p.pronamespace = 'wallet'::regnamespace or p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_')
  and a.grantee <> p.proowner;

select plan(2);
select is_empty('table granted except table reviewed', 'nothing is granted beyond the list');
select is_empty('table reviewed except table granted', 'everything on the list is granted');
select * from finish();
