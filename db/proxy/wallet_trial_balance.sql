begin
  return query
  select b.account, sum(b.entries)::bigint, sum(b.debit), sum(b.credit), sum(b.balance)
  from wallet_proxy.all_wallet_trial_balance(p_asset, p_at, p_actor) b
  group by b.account
  order by b.account;
end;
