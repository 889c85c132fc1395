-- The reviewed list of who may execute what, beside the owner. A new line here is a decision: say in the commit why.
create temp table reviewed (role text, function text);
insert into reviewed values
  ('wallet_api', 'wallet_adjust(uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_assets()'),
  ('wallet_api', 'wallet_audit(uuid,uuid,uuid,text,integer,bigint,uuid)'),
  ('wallet_api', 'wallet_balance(uuid,uuid)'),
  ('wallet_api', 'wallet_balance_at(uuid,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_balances(uuid[],uuid[])'),
  ('wallet_api', 'wallet_batch(text[],uuid[],uuid[],bigint[],text[],jsonb[],uuid[],boolean,uuid[],uuid[],boolean[],integer[],timestamp with time zone[],text[])'),
  ('wallet_api', 'wallet_capture(uuid,uuid,uuid,bigint,boolean,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_change_password(uuid,text,text)'),
  ('wallet_api', 'wallet_confirm(bigint,uuid)'),
  ('wallet_api', 'wallet_confirmations(text,integer,bigint,uuid)'),
  ('wallet_api', 'wallet_create_password_reset(uuid,bytea,text,integer,uuid)'),
  ('wallet_api', 'wallet_entries(uuid,integer,bigint,text,timestamp with time zone,timestamp with time zone,text,uuid)'),
  ('wallet_api', 'wallet_erase_user(uuid,text,uuid)'),
  ('wallet_api', 'wallet_fence_holders(bigint)'),
  ('wallet_api', 'wallet_event_feed(bigint,bigint,bigint,integer,uuid[])'),
  ('wallet_api', 'wallet_event_mark(bigint)'),
  ('wallet_api', 'wallet_event_settled(bigint)'),
  ('wallet_api', 'wallet_events(bigint,bigint,bigint,integer,text[],text,uuid,integer,uuid)'),
  ('wallet_api', 'wallet_events_by_id(bigint[])'),
  ('wallet_api', 'wallet_find(uuid,text,uuid)'),
  ('wallet_api', 'wallet_fund(uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_give_back(uuid,uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_highest_cost()'),
  ('wallet_api', 'wallet_hold(uuid,uuid,bigint,integer,text,jsonb,uuid)'),
  ('wallet_api', 'wallet_holds(uuid,text,integer,bigint,uuid)'),
  ('wallet_api', 'wallet_inspect_entries(uuid,integer,bigint,text,timestamp with time zone,timestamp with time zone,text,uuid)'),
  ('wallet_api', 'wallet_inspect_hold(bigint,uuid)'),
  ('wallet_api', 'wallet_inspect_holds(uuid,text,integer,bigint,uuid)'),
  ('wallet_api', 'wallet_inspect_statement(uuid,timestamp with time zone,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_inspect_transaction(bigint,uuid)'),
  ('wallet_api', 'wallet_inspect_user(uuid,uuid)'),
  ('wallet_api', 'wallet_inspect_wallet(uuid,uuid)'),
  ('wallet_api', 'wallet_last_verification()'),
  ('wallet_api', 'wallet_list(uuid,uuid)'),
  ('wallet_api', 'wallet_me(uuid,uuid)'),
  ('wallet_api', 'wallet_open(uuid,text,uuid)'),
  ('wallet_api', 'wallet_open_holds()'),
  ('wallet_api', 'wallet_principal(uuid,uuid,integer)'),
  ('wallet_api', 'wallet_propose(text,uuid,uuid,uuid,bigint,text,jsonb,timestamp with time zone,bigint,uuid)'),
  ('wallet_api', 'wallet_recipients(uuid,text[],uuid)'),
  ('wallet_api', 'wallet_recorded(uuid,uuid[],uuid)'),
  ('wallet_api', 'wallet_refund(uuid,uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_register(text,text)'),
  ('wallet_api', 'wallet_rehash(uuid,text,text)'),
  ('wallet_api', 'wallet_reject(bigint,text,uuid)'),
  ('wallet_api', 'wallet_require_password_reset(bytea)'),
  ('wallet_api', 'wallet_require_username(text)'),
  ('wallet_api', 'wallet_reset_password(bytea,text,text)'),
  ('wallet_api', 'wallet_revocations(bigint)'),
  ('wallet_api', 'wallet_search(text,uuid)'),
  ('wallet_api', 'wallet_set_limits(uuid,text[],bigint[],bigint[],bigint[],bigint,bigint,uuid,text)'),
  ('wallet_api', 'wallet_set_status(uuid,text,text,uuid)'),
  ('wallet_api', 'wallet_sign_in(text,text)'),
  ('wallet_api', 'wallet_sign_in_failed(text,text)'),
  ('wallet_api', 'wallet_sign_in_succeeded(text,text)'),
  ('wallet_api', 'wallet_sign_out(uuid,uuid,timestamp with time zone)'),
  ('wallet_api', 'wallet_sign_out_everywhere(uuid)'),
  ('wallet_api', 'wallet_spend(uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_statement(uuid,timestamp with time zone,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_sweep(integer)'),
  ('wallet_api', 'wallet_topup(uuid,uuid,bigint,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_transaction(uuid,uuid,uuid)'),
  ('wallet_api', 'wallet_transfer(uuid,uuid,bigint,uuid,text,text,jsonb,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_trial_balance(text,timestamp with time zone,uuid)'),
  ('wallet_api', 'wallet_user_events(uuid,bigint,bigint,bigint,integer,text[],integer,uuid)'),
  ('wallet_api', 'wallet_users(integer,uuid,uuid)'),
  ('wallet_api', 'wallet_verifications(integer,bigint,uuid)'),
  ('wallet_api', 'wallet_void(uuid,uuid,uuid,uuid)');

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
