-- Created once: replacing a trigger would lock out writers on every deploy.
do $$
declare
  v_table regclass;
begin
  foreach v_table in array array[
    'wallet.transactions', 'wallet.ledger', 'wallet.hold_events', 'wallet.refunds', 'wallet.transaction_available', 'wallet.operator_actions',
    'wallet.erasures'
  ]::regclass[] loop
    if not exists (select from pg_trigger where tgrelid = v_table and tgname = 'append_only') then
      execute format(
        'create trigger append_only before update or delete or truncate on %s for each statement execute function wallet.refuse_change()',
        v_table
      );
    end if;
  end loop;

  if not exists (select from pg_trigger where tgrelid = 'wallet.transaction_details'::regclass and tgname = 'erased_only') then
    create trigger erased_only before update on wallet.transaction_details
      for each row when (new.salt is not null or (new.transaction_id, new.hash) is distinct from (old.transaction_id, old.hash))
      execute function wallet.refuse_change();
    create trigger kept before delete or truncate on wallet.transaction_details
      for each statement execute function wallet.refuse_change();
  end if;

  if not exists (select from pg_trigger where tgrelid = 'wallet.assets'::regclass and tgname = 'scale_is_final') then
    create trigger scale_is_final before update of scale on wallet.assets
      for each row when (old.scale <> new.scale) execute function wallet.refuse_change();
  end if;
end;
$$;
