create or replace function wallet.locked_webhook(
  p_webhook_id uuid
)
returns wallet.webhooks
language plpgsql
volatile
as $$
declare
  v_webhook wallet.webhooks;
begin
  select w.* into v_webhook
  from wallet.webhooks w
  where w.id = p_webhook_id
  for update;
  if not found then
    perform wallet.raise_error('WA042', jsonb_build_object('webhook_id', p_webhook_id));
  end if;
  return v_webhook;
end;
$$;

comment on function wallet.locked_webhook(uuid) is 'Locks a webhook until the transaction ends, and returns it. Raises WA042 where there is none.';
