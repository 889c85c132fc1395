create or replace function wallet.record_revocation(
  p_user_id uuid,
  p_token_id uuid,
  p_expires_at timestamptz
)
returns void
language sql
volatile
as $$
  -- each call adds one row and removes expired ones, so the table stays small without a job
  delete from wallet.revocations r
  where r.id in (
    select e.id
    from wallet.revocations e
    where e.expires_at < statement_timestamp()
    order by e.expires_at
    limit 10
    for update skip locked
  );

  insert into wallet.revocations (user_id, token_id, expires_at)
  values (p_user_id, p_token_id, p_expires_at)
  on conflict on constraint revocations_token_key do nothing;
$$;

comment on function wallet.record_revocation(uuid, uuid, timestamptz) is
  'Notes that a token (null: all) of a user is revoked, until it would have expired; forgets some that have.';
