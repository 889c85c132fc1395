create or replace function public.wallet_remove_login(
  p_login text
)
returns table (login text, user_id uuid)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform wallet.require_trust();
  delete from wallet.operator_logins l
  where l.login = p_login
  returning l.login, l.user_id into login, user_id;
  if found then
    perform wallet.record_action(null, 'login_removed', user_id, null);
    return next;
  end if;
end;
$$;

comment on function public.wallet_remove_login(text) is
$$ Ends that a login is an operator's, and returns whose it was; no row where it was nobody's. On record. For
administrators.

Errors: WA035 administrators only. $$;
