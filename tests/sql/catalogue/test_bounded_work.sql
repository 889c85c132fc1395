-- What looks right and reads whole tables: conditions that no index serves.
begin;
select plan(4);

create temporary table bodies as
select p.oid::regprocedure::text as function, regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '\s+', ' ', 'g') as body
from pg_proc p
where p.proowner = 'wallet_owner'::regrole and p.pronamespace in ('wallet'::regnamespace, 'public'::regnamespace);

create function pg_temp.compares_with_clock(p_body text) returns boolean
language sql
return p_body ~* '\m(?!v_|p_|c_)[a-z]\w*\.\w+\)? *(<|>|<=|>=|=|<>|between) *clock_timestamp\(\)'
  or p_body ~* 'clock_timestamp\(\)( [-+] [^<>=]{1,40})? *(<|>|<=|>=|=|<>) *(?!v_|p_|c_)[a-z]\w*\.\w';

select ok((select count(*) from bodies) > 100, 'there are bodies to look at');
select ok(
  pg_temp.compares_with_clock('where t.counts_until > clock_timestamp()')
  and pg_temp.compares_with_clock('where greatest(e.counts_until, e.known_until) < clock_timestamp()')
  and pg_temp.compares_with_clock('where clock_timestamp() - interval ''1 hour'' > t.counts_until')
  and not pg_temp.compares_with_clock('if v_pair.known_until > clock_timestamp() then')
  and not pg_temp.compares_with_clock('where t.counts_until > (select clock_timestamp())'),
  'a comparison with the clock is seen'
);
select is(
  (select string_agg(b.function, ', ') from bodies b where pg_temp.compares_with_clock(b.body)),
  -- reads every entry anyway
  'wallet.verify_oddities()',
  'no column is compared with clock_timestamp(), which is volatile and so never an index condition'
);
select is(
  (select string_agg(b.function, ', ') from bodies b where b.body ilike '%collate "C"%'),
  'wallet.username(text)',
  'only wallet.username() has another collation than the columns: an index of theirs serves no comparison in it'
);

select * from finish();
rollback;
