create or replace function public.wallet_trial_balance(
  p_asset text default 'UC',
  p_at timestamptz default null,
  p_actor uuid default null
)
returns table (account text, entries bigint, debit numeric, credit numeric, balance numeric)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wallet.require_operator(p_actor);
  if not exists (select from wallet.assets a where a.code = p_asset) then
    perform wallet.raise_error('WA026', jsonb_build_object('field', 'asset', 'asset', p_asset));
  elsif p_at > clock_timestamp() then
    perform wallet.raise_error('WA023', jsonb_build_object('field', 'at', 'now', clock_timestamp()));
  end if;

  if p_at is not null then
    perform wallet.require_read_committed();
    perform wallet.await_writers(null, p_at);
  end if;
  return query
  select coalesce(w.purpose, 'users'), count(l.amount), coalesce(sum(-l.amount) filter (where l.amount < 0), 0),
    coalesce(sum(l.amount) filter (where l.amount > 0), 0), coalesce(sum(l.amount), 0)
  from wallet.wallets w
  left join (
    wallet.ledger l
    join wallet.transactions t on t.id = l.transaction_id and (p_at is null or t.created_at < p_at)
  ) on l.wallet_id = w.id
  where w.asset = p_asset
  group by coalesce(w.purpose, 'users')
  order by 1;
end;
$$;

comment on function public.wallet_trial_balance(text, timestamptz, uuid) is
$$ Operators: the balances of an asset's system accounts and of all its user wallets together; they net to zero.

p_at    only transactions created before this moment, by the clock as it was then: both entries of each; null for all
p_actor the operator; null for an administrator

In minor units. Reads the whole ledger: linear in its length. Errors: WA007 isolation level;
WA023 a moment in the future; WA036 not final yet: try again; WA026 unknown asset;
WA027 operators only. $$;
