-- Created once: replacing a trigger would lock out writers on every deploy.
do $$
declare
  v_table regclass;
  v_name text;
  v_event wallet.hold_events;
begin
  foreach v_table in array array[
    'wallet.transactions', 'wallet.ledger', 'wallet.hold_events', 'wallet.refunds', 'wallet.transaction_available',
    'wallet.erasures', 'wallet.account_events', 'wallet.reserved_names', 'wallet.installation', 'wallet.key_subjects'
  ]::regclass[] loop
    if not exists (select from pg_trigger where tgrelid = v_table and tgname = 'append_only') then
      execute format(
        'create trigger append_only before update or delete or truncate on %s
          for each statement execute function wallet.forbid_change()',
        v_table
      );
    end if;
  end loop;

  if not exists (select from pg_trigger where tgrelid = 'wallet.transaction_details'::regclass and tgname = 'erased_only') then
    create trigger erased_only before update on wallet.transaction_details
      for each row when (
        new.salt is not null or (new.transaction_id, new.hash) is distinct from (old.transaction_id, old.hash)
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.transaction_details
      for each statement execute function wallet.forbid_change();
  end if;

  if not exists (select from pg_trigger where tgrelid = 'wallet.transaction_details'::regclass and tgname = 'erased_with_user') then
    create trigger erased_with_user before update on wallet.transaction_details
      for each row execute function wallet.require_erased();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.hold_events'::regclass and tgname = 'chained') then
    -- once, for the rows that functions of an earlier version wrote after the migration
    lock table wallet.hold_events in share row exclusive mode;
    update wallet.wallets w set is_erased = true
    from wallet.users u
    where u.id = w.owner_id and u.erased_at is not null and not w.is_erased;
    alter table wallet.hold_events disable trigger append_only;
    for v_event in select e.* from wallet.hold_events e where e.hash is null order by e.id loop
      update wallet.hold_events e set hash = wallet.hold_event_hash(v_event) where e.id = v_event.id;
    end loop;
    alter table wallet.hold_events enable trigger append_only;
    create trigger chained before insert on wallet.hold_events for each row execute function wallet.chain_hold_event();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.holds'::regclass and tgname = 'ended_once') then
    create trigger ended_once before update on wallet.holds
      for each row when (
        (new.id, new.wallet_id, new.txn_id, new.amount, new.expires_in, new.expires_at, new.created_at)
          is distinct from (
            old.id, old.wallet_id, old.txn_id, old.amount, old.expires_in, old.expires_at, old.created_at
          )
        or new.captured < old.captured
        or old.status <> 'open' and (new.status, new.captured) is distinct from (old.status, old.captured)
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.holds
      for each statement execute function wallet.forbid_change();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.confirmations'::regclass and tgname = 'decided_once') then
    create trigger decided_once before update on wallet.confirmations
      for each row when (
        (new.id, new.type, new.wallet_id, new.txn_id, new.original_txn_id, new.amount, new.expected, new.actor)
          is distinct from (
            old.id, old.type, old.wallet_id, old.txn_id, old.original_txn_id, old.amount, old.expected, old.actor
          )
        or new.created_at <> old.created_at
        or old.status <> 'waiting' and (new.status, new.decided_by, new.decided_at, new.transaction_id)
          is distinct from (old.status, old.decided_by, old.decided_at, old.transaction_id)
      )
      execute function wallet.forbid_change();
  end if;
  if (select count(*) from pg_trigger where tgname = 'pruned_only') < 3 then
    -- in the order of requests, and readers go on; functions of an earlier version had triggers that no row passed
    lock table wallet.confirmations, wallet.key_uses, wallet.operator_actions in share row exclusive mode;
    for v_table, v_name in values
      ('wallet.confirmations'::regclass, 'kept'), ('wallet.key_uses', 'append_only'), ('wallet.operator_actions', 'append_only')
    loop
      execute format(
        'create or replace trigger %I before %s truncate on %s for each statement execute function wallet.forbid_change()',
        v_name, case v_name when 'append_only' then 'update or' end, v_table
      );
      execute format(
        'create or replace trigger pruned_only after delete on %s referencing old table as removed
          for each statement execute function wallet.require_pruned()',
        v_table
      );
    end loop;
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.wallets'::regclass and tgname = 'identity_kept') then
    create trigger identity_kept before update on wallet.wallets
      for each row when (
        (new.id, new.owner_id, new.asset, new.kind, new.purpose)
          is distinct from (old.id, old.owner_id, old.asset, old.kind, old.purpose)
        or old.has_holds and not new.has_holds
        or old.is_erased and not new.is_erased
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.wallets
      for each statement execute function wallet.forbid_change();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.outbox'::regclass and tgname = 'concluded_once') then
    -- what was delivered may be put in transit again, see wallet_redrive()
    create trigger concluded_once before update on wallet.outbox
      for each row when (
        (new.transaction_id, new.wallet_id, new.to_wallet_id, new.destination, new.created_at)
          is distinct from (old.transaction_id, old.wallet_id, old.to_wallet_id, old.destination, old.created_at)
        or old.status = 'returned'
          and (new.status, new.code, new.returned_id, new.concluded_at)
            is distinct from (old.status, old.code, old.returned_id, old.concluded_at)
        or old.status = 'delivered' and new.status = 'returned'
        or old.erasure is not null and new.erasure is null
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.outbox
      for each statement execute function wallet.forbid_change();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.inbox'::regclass and tgname = 'decided_once') then
    create trigger decided_once before update on wallet.inbox
      for each row when (
        (new.origin_id, new.from_wallet_id, new.to_wallet_id, new.amount, new.asset)
          is distinct from (old.origin_id, old.from_wallet_id, old.to_wallet_id, old.amount, old.asset)
        or (new.code, new.transaction_id) is distinct from (old.code, old.transaction_id)
        or new.decided_at <> old.decided_at
        or old.is_erased and not new.is_erased
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.inbox
      for each statement execute function wallet.forbid_change();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.api_keys'::regclass and tgname = 'terms_kept') then
    create trigger terms_kept before update on wallet.api_keys
      for each row when (
        (new.id, new.name, new.prefix, new.secret_hash, new.scopes, new.all_users, new.networks, new.calls_per_minute)
          is distinct from (
            old.id, old.name, old.prefix, old.secret_hash, old.scopes, old.all_users, old.networks,
            old.calls_per_minute
          )
        or (new.expires_at, new.actor, new.created_at) is distinct from (old.expires_at, old.actor, old.created_at)
        or old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at
      )
      execute function wallet.forbid_change();
    create trigger kept before delete or truncate on wallet.api_keys
      for each statement execute function wallet.forbid_change();
  end if;
  if not exists (select from pg_trigger where tgrelid = 'wallet.assets'::regclass and tgname = 'scale_is_final') then
    create trigger scale_is_final before update of scale on wallet.assets
      for each row when (old.scale <> new.scale) execute function wallet.forbid_change();
  end if;
end;
$$;
