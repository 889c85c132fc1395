-- PL/Proxy puts words of its own around what a database said, and has one SQLSTATE for all that it finds itself.
create function wallet_proxy.fail(
  p_state text,
  p_message text,
  p_detail text,
  p_hint text,
  p_number smallint
)
returns void
language plpgsql
immutable
as $$
declare
  v_state text := p_state;
  v_message text := regexp_replace(p_message, '^.*?\] REMOTE [^:]*: ', '');
  v_detail text := regexp_replace(p_detail, '^Remote detail: ', '');
  v_hint text := regexp_replace(p_hint, '^Remote hint: ', '');
begin
  if p_state = 'XX000' and (p_message like 'PL/Proxy function %' or p_message like '%] REMOTE (null): %')
    or p_state = '57014' and p_message not like '%] REMOTE %'
  then
    v_state := case p_state when 'XX000' then '08006' else p_state end;
    v_message := 'a database of the cluster does not answer';
    v_detail := jsonb_build_object('number', p_number, 'reason', regexp_replace(trim(p_message, E' \n'), '^PL/Proxy function \S+ ', ''));
    v_hint := 'Whether the call took effect is not known: repeat it with the same txn_id.';
  end if;

  -- an empty DETAIL is not none
  if v_detail <> '' and v_hint <> '' then
    raise exception using errcode = v_state, message = v_message, detail = v_detail, hint = v_hint;
  elsif v_detail <> '' then
    raise exception using errcode = v_state, message = v_message, detail = v_detail;
  elsif v_hint <> '' then
    raise exception using errcode = v_state, message = v_message, hint = v_hint;
  else
    raise exception using errcode = v_state, message = v_message;
  end if;
end;
$$;
