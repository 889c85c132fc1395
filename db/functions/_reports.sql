-- Views for reports, in a schema of their own. A view reads with its owner's rights, and a function in it needs the
-- reader's: so there are none here of ours. Days and months are those of UTC.
create or replace view reporting.assets as
select a.code as asset, a.name, a.scale
from wallet.assets a;

comment on view reporting.assets is 'What wallets hold: 10 ^ scale minor units are one unit.';

create or replace view reporting.daily_volume as
select (t.created_at at time zone 'UTC')::date as day, w.asset, t.type::text as type, count(*) as transactions,
  sum(abs(t.amount)) as amount
from wallet.transactions t
join wallet.wallets w on w.id = t.wallet_id
group by 1, 2, 3;

comment on view reporting.daily_volume is
  'What was moved, by day, asset and type; amount in minor units of the asset. Refusals write nothing, so there are none of them.';

create or replace view reporting.month_end_balances as
with entries as (
  select l.wallet_id, l.seq, l.balance_after,
    date_trunc('month', coalesce(l.recorded_at, t.created_at) at time zone 'UTC') as month
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id
  where l.balance_after is not null
),
newest as (
  select distinct on (e.wallet_id, e.month) e.wallet_id, e.month, e.balance_after
  from entries e
  order by e.wallet_id, e.month, e.seq desc
),
spans as (
  select n.*, coalesce(
    lead(n.month) over (partition by n.wallet_id order by n.month), date_trunc('month', now() at time zone 'UTC')
  ) as until
  from newest n
)
select m.month::date as month, s.wallet_id, case when u.erased_at is null then u.username end as username, w.asset,
  s.balance_after as balance
from spans s
cross join lateral generate_series(s.month, s.until - interval '1 month', interval '1 month') as m (month)
join wallet.wallets w on w.id = s.wallet_id
join wallet.users u on u.id = w.owner_id;

comment on view reporting.month_end_balances is
  'What each wallet had when a month ended, named by its first day, from the month of its first entry to the last one that is over; balance in minor units of the asset. username is null for the erased.';

create or replace view reporting.top_wallets as
select rank() over (partition by w.asset order by coalesce(n.balance_after, 0) desc) as place, w.asset,
  w.id as wallet_id, case when u.erased_at is null then u.username end as username, w.status,
  coalesce(n.balance_after, 0) as balance
from wallet.wallets w
join wallet.users u on u.id = w.owner_id
left join lateral (
  select l.balance_after
  from wallet.ledger l
  where l.wallet_id = w.id
  order by l.seq desc
  limit 1
) n on true;

comment on view reporting.top_wallets is
  'Each user wallet''s balance now, and its place among those of its asset, 1 for the most; balance in minor units of the asset. username is null for the erased.';

create or replace view reporting.open_holds as
select w.asset,
  case
    when h.expires_at <= now() then 'due'
    when h.created_at > now() - interval '1 day' then 'up to 1 day'
    when h.created_at > now() - interval '7 days' then 'up to 7 days'
    when h.created_at > now() - interval '30 days' then 'up to 30 days'
    else 'more than 30 days'
  end as age,
  count(*) as holds, sum(h.amount - h.captured) as amount, min(h.created_at) as oldest_at
from wallet.holds h
join wallet.wallets w on w.id = h.wallet_id
where h.status = 'open'
group by 1, 2;

comment on view reporting.open_holds is
  'What holds set aside, by asset and age; amount in minor units of the asset. A due one sets nothing aside any more, and ends with the next mutation of its wallet or the next sweep.';

create or replace view reporting.daily_sign_ups as
select (u.created_at at time zone 'UTC')::date as day, count(*) as users, count(u.erased_at) as erased_since
from wallet.users u
group by 1;

comment on view reporting.daily_sign_ups is
  'How many users signed up on each day, and how many of these were erased since.';

create or replace view reporting.daily_trial_balance as
select (t.created_at at time zone 'UTC')::date as day, w.asset, count(*) as entries,
  coalesce(sum(l.amount) filter (where l.amount > 0), 0) as credits,
  coalesce(-sum(l.amount) filter (where l.amount < 0), 0) as debits, sum(l.amount) as difference
from wallet.ledger l
join wallet.transactions t on t.id = l.transaction_id
join wallet.wallets w on w.id = l.wallet_id
group by 1, 2;

comment on view reporting.daily_trial_balance is
  'The sums of all entries of the transactions of a day, by asset, in minor units of the asset: difference is 0, or the ledger is not sound.';
