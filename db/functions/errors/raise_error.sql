create or replace function wallet.raise_error(
  p_code text,
  p_detail jsonb
)
returns void
language plpgsql
immutable
as $$
declare
  v_message text;
  v_hint text;
begin
  select m.message, m.hint into strict v_message, v_hint
  from wallet.error_text(p_code) m;

  raise exception using errcode = p_code, message = v_message, detail = p_detail::text, hint = v_hint;
end;
$$;

comment on function wallet.raise_error(text, jsonb) is
  'Raises the domain error p_code (SQLSTATE) with its registered message and hint; p_detail is a JSON object for programs.';
