create function wallet_proxy.refuse(
  p_message text,
  p_hint text
)
returns void
language plpgsql
immutable
as $$
begin
  raise exception using errcode = 'feature_not_supported', message = p_message, hint = p_hint;
end;
$$;
