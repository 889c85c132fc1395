create or replace function wallet.require_webhook_page(
  p_webhook_id uuid,
  p_limit integer,
  p_before_id bigint,
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  elsif not exists (select from wallet.webhooks w where w.id = p_webhook_id) then
    perform wallet.raise_error('WA042', jsonb_build_object('webhook_id', p_webhook_id));
  end if;
end;
$$;

comment on function wallet.require_webhook_page(uuid, integer, bigint, uuid) is
  'Raises WA002, WA024, WA027 or WA042 where an operator cannot be shown such a page of a webhook''s rows.';
