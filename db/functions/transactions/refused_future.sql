create or replace function wallet.refused_future(
  p_now timestamptz
)
returns wallet.outcome
language sql
immutable
as $$
  select wallet.refused_outcome('WA023', jsonb_build_object('field', 'effective_at', 'now', p_now))
$$;

comment on function wallet.refused_future(timestamptz) is
  'The refusal of an effective_at that is after the clock under the lock: WA023. Judged after the txn_id was looked up, for a clock may be set back.';
