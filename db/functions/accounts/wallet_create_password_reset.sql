create or replace function public.wallet_create_password_reset(
  p_user_id uuid,
  p_token_hash bytea,
  p_reason text,
  p_expires_in integer default 3600,
  p_actor uuid default null
)
returns table (user_id uuid, expires_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_role text;
  v_now timestamptz;
begin
  perform wallet.require_read_committed();
  perform wallet.require_operator(p_actor);
  if p_user_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'user_id', 'reason', 'must not be null'));
  elsif p_token_hash is null or length(p_token_hash) <> 32 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'token_hash', 'reason', 'must have 32 bytes'));
  elsif p_reason is null or length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  elsif p_expires_in is null or p_expires_in not between 60 and 86400 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'expires_in', 'reason', 'must be between 60 and 86400'));
  end if;

  -- locked, so that the user is not erased or made an operator meanwhile
  perform from wallet.users u where u.id = p_user_id for no key update;
  select u.role into v_role
  from wallet.users u
  where u.id = p_user_id and u.erased_at is null and wallet.is_here(u.id);
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_user_id));
  elsif v_role = 'operator' and p_actor is not null then
    perform wallet.raise_error('WA038', jsonb_build_object(
      'field', 'user_id', 'reason', 'is an operator, whose password only an administrator resets'
    ));
  end if;

  -- each call adds one row and removes expired ones, so the table stays small without a job
  delete from wallet.password_resets r
  where r.user_id in (
    select e.user_id
    from wallet.password_resets e
    where e.expires_at < statement_timestamp()
    order by e.expires_at
    limit 10
    for update skip locked
  );
  delete from wallet.password_resets r where r.user_id = p_user_id;
  delete from wallet.password_resets r where r.token_hash = p_token_hash;
  v_now := clock_timestamp();
  user_id := p_user_id;
  expires_at := v_now + p_expires_in * interval '1 second';
  insert into wallet.password_resets (user_id, token_hash, actor, created_at, expires_at)
  values (p_user_id, p_token_hash, p_actor, v_now, expires_at);
  perform wallet.record_action(
    p_actor, 'password_reset_created', p_user_id, null, p_reason,
    p_detail => jsonb_build_object('expires_at', expires_at)
  );
  return next;
end;
$$;

comment on function public.wallet_create_password_reset(uuid, bytea, text, integer, uuid) is
$$ Operators: stores the hash of a one-time token with which a user who forgot the password sets another, and records
who did it, when and why. A token that the user had before is valid no more. The password stays until the token is used.

p_token_hash the SHA-256 of the token: whoever calls makes it of at least 256 random bits
p_reason     1 to 256 characters, mandatory; it should not name the person
p_expires_in seconds, 60 to 86400
p_actor      the operator; null for an administrator, who alone does it for an operator

Errors: WA002 invalid argument; WA027 operators only; WA029 unknown user; WA038 the user is an operator. $$;
