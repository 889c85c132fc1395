create or replace function public.wallet_inspect_user(
  p_user_id uuid,
  p_actor uuid default null
)
returns table (
  id uuid, username text, role text, created_at timestamptz, last_sign_in_at timestamptz, erased_at timestamptz,
  wallets jsonb
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_operator(p_actor);
  if p_user_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'user_id', 'reason', 'must not be null'));
  end if;

  return query
  select u.id, u.username, u.role, u.created_at, u.last_sign_in_at, u.erased_at,
    (select coalesce(jsonb_agg(to_jsonb(l) order by l.asset), '[]') from public.wallet_list(u.id, u.id) l)
  from wallet.users u
  where u.id = p_user_id and wallet.is_here(u.id);
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_user_id));
  end if;
  perform wallet.record_reads(p_actor, array[p_user_id], 'user');
end;
$$;

comment on function public.wallet_inspect_user(uuid, uuid) is
$$ Operators: a user, and leaves on record that the user was shown.

p_actor the operator; null for an administrator

wallets is an array of rows as wallet_list() returns them.
Errors: WA002 invalid argument; WA027 operators only; WA029 unknown user. $$;
