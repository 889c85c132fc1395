-- What the books rest on is no part of it: status and limits, by which wallet_verify() judges wallets; what moved
-- money; and erasures.
create or replace function wallet.retention_rules()
returns table (
  subject text, relation text, key text, condition text, place text, at text, keep_days integer, until timestamptz,
  is_recorded boolean
)
language sql
stable
as $$
  select r.subject, r.relation, r.key, r.condition, r.place, r.at, k.keep_days,
    case
      when r.rule is null then statement_timestamp() - coalesce(r.keep_days, 0) * interval '24 hours'
      when k.keep_days is not null then statement_timestamp() - k.keep_days * interval '24 hours'
    end,
    r.rule is not null
  from (values
    ('sessions', 'sessions', null, 0, 'session_hash', 'true', 't.expires_at', 't.expires_at'),
    ('password_resets', 'password_resets', null, 0, 'user_id', 'true', 't.expires_at', 't.expires_at'),
    ('revocations', 'revocations', null, 0, 'id', 'true', 't.expires_at', 't.expires_at'),
    (
      'sign_in_tries', 'sign_in_tries', null, 0, 'key', 'true', 'greatest(t.counts_until, t.known_until)',
      'greatest(t.counts_until, t.known_until)'
    ),
    -- limits count what moved in 30 days
    ('limit_usage', 'limit_usage', null, 60, 'wallet_id, kind, hour', 'true', 't.hour', 't.hour'),
    (
      'dead_letters', 'webhook_dead_letters', 'dead_letters', null, 'webhook_id, event_id', 'true', 't.last_at',
      't.last_at'
    ),
    (
      'verification_runs', 'verification_runs', 'verifications', null, 'id',
      't.id < (select max(n.id) from wallet.verification_runs n)', 't.id', 't.started_at'
    ),
    (
      'verifications', 'verifications', 'verifications', null, 'id',
      't.id < (select max(n.id) from wallet.verifications n)
        and t.id is distinct from (select max(c.id) from wallet.verifications c where c.violations = 0)
        and not exists (select from wallet.verification_runs r where r.verification_id = t.id)',
      't.id', 't.ended_at'
    ),
    ('looks', 'operator_actions', 'looks', null, 'id', 't.action = ''read''', 't.id', 't.created_at'),
    (
      'audit', 'operator_actions', 'audit', null, 'id',
      't.action not in (
        ''read'', ''status'', ''limits'', ''topup'', ''refund'', ''adjustment'', ''confirm'', ''erase''
      )',
      't.id', 't.created_at'
    ),
    ('confirmations', 'confirmations', 'audit', null, 'id', 't.status <> ''waiting''', 't.id', 't.decided_at'),
    (
      'key_uses', 'key_uses', 'key_uses', null, 'id', 'true', 't.id',
      'coalesce(
        (select x.created_at from wallet.transactions x where x.id = t.id),
        (select x.created_at from wallet.hold_events x where x.id = t.id)
      )'
    )
  ) as r (subject, relation, rule, keep_days, key, condition, place, at)
  left join wallet.retention s on s.subject = r.rule
  cross join lateral (select case when r.rule is null then r.keep_days else s.keep_days end) as k (keep_days)
$$;

comment on function wallet.retention_rules() is
$$ What is removed when it is old, as parts of queries about `t`: the key of a row, which rows, in which order they are
looked at, and the moment by which a row is old. until is the moment that is old enough; null: nothing is. is_recorded:
the audit says what was removed. $$;
