create or replace function wallet.require_erased()
returns trigger
language plpgsql
as $$
begin
  if not exists (
    select
    from wallet.transactions t
    join wallet.wallets w on w.id = t.wallet_id
    where t.id = new.transaction_id and w.is_erased
  ) and not exists (
    select
    from wallet.inbox i
    where i.transaction_id = new.transaction_id and i.is_erased
  ) then
    perform wallet.raise_error('WA008', jsonb_build_object('table', tg_table_name, 'operation', lower(tg_op)));
  end if;
  return new;
end;
$$;

comment on function wallet.require_erased() is 'Trigger: details are erased only of a wallet whose owner was erased, or that received them from one who was (WA008).';
