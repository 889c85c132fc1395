-- A wallet that is here is locked against its end; one of another database of the cluster has no events here.
-- Of a URL only the form is judged here. Where it leads to is judged when it is resolved, for every delivery.
create or replace function wallet.require_webhook(
  p_url text,
  p_description text,
  p_types text[],
  p_asset text,
  p_wallet_id uuid,
  p_batch_size integer
)
returns void
language plpgsql
volatile
as $$
declare
  v_fault text;
begin
  v_fault := case
    when p_url is null or length(p_url) > 2048 then 'must have 1 to 2048 characters'
    when p_url !~ '^[!-~]+$' or p_url ~ '[\\"<>^`{|}]' then 'must be written in the characters of URLs, others percent-encoded'
    when p_url !~* '^https?://[^/?#]' then 'must begin with https:// or http:// and a host'
    when p_url ~ '^[^/]*//[^/?#]*@' then 'must not have a user or password'
    when p_url ~ '#' then 'must not have a fragment'
  end;
  if v_fault is not null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'url', 'reason', v_fault));
  elsif length(p_description) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'description', 'reason', 'must have 1 to 256 characters'));
  elsif p_batch_size is null or p_batch_size not between 1 and 100 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'batch_size', 'reason', 'must be between 1 and 100'));
  end if;
  perform wallet.require_event_types(p_types);

  if p_asset is not null and not exists (select from wallet.assets a where a.code = p_asset) then
    perform wallet.raise_error('WA026', jsonb_build_object('field', 'asset', 'asset', p_asset));
  end if;
  perform from wallet.wallets w where w.id = p_wallet_id and wallet.is_visible(w, null) for key share;
  if p_wallet_id is not null and not found and not wallet.is_elsewhere(p_wallet_id) then
    perform wallet.raise_error('WA001', jsonb_build_object('field', 'wallet_id', 'wallet_id', p_wallet_id));
  end if;
end;
$$;

comment on function wallet.require_webhook(text, text, text[], text, uuid, integer) is
  'Raises WA001, WA002 or WA026 where a webhook cannot be so: see wallet_create_webhook().';
