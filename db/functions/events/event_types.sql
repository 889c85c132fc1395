create or replace function wallet.event_types()
returns text[]
language sql
stable
as $$
  select array(select 'transaction.' || t from unnest(enum_range(null::wallet.transaction_type)) t)
    || array[
      'hold.opened', 'hold.voided', 'hold.expired', 'user.signed_up', 'user.role_changed', 'user.erased', 'wallet.opened',
      'wallet.status_changed', 'wallet.limits_changed'
    ]
$$;

comment on function wallet.event_types() is 'The names of all events. They are stable: consumers know them.';
