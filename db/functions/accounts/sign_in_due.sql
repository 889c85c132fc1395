create or replace function wallet.sign_in_due(
  p_keys bytea[]
)
returns timestamptz
language sql
volatile
as $$
  select max(t.next_try_at)
  from wallet.sign_in_tries t
  where t.key = any (p_keys)
    and t.counts_until > (select clock_timestamp())
    and wallet.sign_in_delay(t.kind, t.failures) is not null
$$;

comment on function wallet.sign_in_due(bytea[]) is
  'When the next try under all of these keys may be made; null where none has failed too often.';
