-- migrate:up
set local role wallet_owner;

-- In place of wallet.opening, which functions of an earlier version use until the functions are deployed: _types.sql drops it.
create type wallet.locked_wallet as (
  asset text,
  scale smallint,
  status text,
  floor bigint,
  max_balance bigint,
  has_holds boolean,
  has_limits boolean,
  is_erased boolean,
  seq bigint,
  balance bigint,
  held bigint,
  hash bytea,
  newest_at timestamptz,
  created_at timestamptz,
  earlier_id bigint,
  earlier_event text
);

revoke all on type wallet.locked_wallet from public;
comment on type wallet.locked_wallet is
  'A wallet as a mutation finds it under its lock, and what is on record for the txn_id; asset is null for an unknown wallet.';

-- Triggers know it by its oid.
do $$
begin
  if to_regprocedure('wallet.refuse_change()') is not null then
    alter function wallet.refuse_change() rename to forbid_change;
  end if;
end;
$$;

comment on column wallet.wallets.is_plain is 'Generated: what wallet.is_plain() says of the row.';

-- migrate:down
-- Functions stand on the type; the triggers of _triggers.sql go with theirs.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid
    from pg_catalog.pg_proc p
    where p.proowner = 'wallet_owner'::regrole
      and (p.pronamespace = 'wallet'::regnamespace or p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_')
  loop
    execute format('drop routine if exists %s cascade', v_function);
  end loop;
end;
$$;

set local role wallet_owner;

drop type wallet.locked_wallet;

do $$
begin
  if to_regtype('wallet.opening') is null then
    create type wallet.opening as (
      asset text,
      scale smallint,
      status text,
      floor bigint,
      max_balance bigint,
      has_holds boolean,
      has_limits boolean,
      seq bigint,
      balance bigint,
      held bigint,
      created_at timestamptz,
      earlier_id bigint,
      earlier_event text,
      hash bytea,
      newest_at timestamptz,
      is_erased boolean
    );
    comment on type wallet.opening is
      'The state in which a mutation finds the wallet that it has locked; asset is null for an unknown one.';
  end if;
end;
$$;

comment on column wallet.wallets.is_plain is
  'Nothing about the wallet can refuse a top-up or spend but its balance: such requests take the short way.';
