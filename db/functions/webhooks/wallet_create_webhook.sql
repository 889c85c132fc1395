create or replace function public.wallet_create_webhook(
  p_webhook_id uuid,
  p_url text,
  p_description text default null,
  p_types text[] default null,
  p_asset text default null,
  p_wallet_id uuid default null,
  p_batch_size integer default 1,
  p_secret bytea default null,
  p_after bigint default null,
  p_epoch integer default null,
  p_actor uuid default null
)
returns setof wallet.described_webhook
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_most constant integer := 100;
  v_position bigint := p_after;
  v_asked wallet.webhooks;
  v_webhook wallet.webhooks;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_webhook(p_url, p_description, p_types, p_asset, p_wallet_id, p_batch_size);
  perform wallet.require_secret(p_secret);

  if p_after is null then
    v_position := wallet.final_up_to();
  end if;
  -- One at a time: two that count the others at once would both find room. The mode lets rows be changed: a caller may
  -- leave the transaction open, and the relay does not wait for that.
  lock table wallet.webhooks in share update exclusive mode;
  v_asked.id := coalesce(p_webhook_id, gen_random_uuid());
  v_asked.url := p_url;
  v_asked.description := p_description;
  v_asked.types := wallet.sorted_types(p_types);
  v_asked.asset := p_asset;
  v_asked.wallet_id := p_wallet_id;
  v_asked.batch_size := p_batch_size;
  select w.* into v_webhook
  from wallet.webhooks w
  where w.id = p_webhook_id;
  if found then
    if (v_webhook.secret, wallet.webhook_terms(v_webhook))
      is distinct from (coalesce(p_secret, v_webhook.secret), wallet.webhook_terms(v_asked)) then
      perform wallet.raise_error('WA002', jsonb_build_object('field', 'webhook_id', 'reason', 'must not be another webhook''s'));
    end if;
    return next wallet.described_webhook(v_webhook);
    return;
  elsif (select count(*) from wallet.webhooks) >= c_most then
    perform wallet.raise_error('WA044', jsonb_build_object('maximum', c_most));
  end if;
  if p_after is not null then
    perform wallet.require_replay(p_after, p_epoch, wallet.drawn_up_to());
  end if;

  insert into wallet.webhooks as w
    (id, url, description, types, asset, wallet_id, batch_size, secret, position, actor)
  values (
    v_asked.id, v_asked.url, v_asked.description, v_asked.types, v_asked.asset, v_asked.wallet_id, v_asked.batch_size,
    p_secret, v_position, p_actor
  )
  returning w.* into v_webhook;
  perform wallet.record_action(
    p_actor, 'webhook_created', null, v_webhook.wallet_id, p_webhook_id => v_webhook.id,
    p_detail => wallet.webhook_terms(v_webhook) || jsonb_build_object('after', v_webhook.position)
  );
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_create_webhook(
  uuid, text, text, text[], text, uuid, integer, bytea, bigint, integer, uuid
) is
$$ Operators: makes a webhook, to which the relay delivers events by HTTP. Returns it, and again the same for the same
p_webhook_id and arguments.

p_webhook_id  a UUID of the caller's choice; null makes one
p_url         https:// or http://, at most 2048 characters, without credentials and fragment; it stays on record
p_description  1 to 256 characters, or null
p_types       only of these, like transaction.topup; null for all
p_asset, p_wallet_id  only of wallets in this asset, of this user wallet (either side of a transfer)
p_batch_size  events in a delivery at most, 1 to 100
p_secret      what signs deliveries, encrypted as the service does it, 1 to 1024 bytes; null: the relay makes one
p_after       the id of an event after which deliveries begin, 0 for the beginning; null: what is committed from
              now on
p_epoch       of the mark under which p_after was read; null is not looked at
p_actor       the operator; null for an administrator

behind: events that it has not got to (from 1,000 on a bound). backlog: those that it has got to and that are not
delivered. dead_letters: those that were given up; both are counted up to 10,000. oldest_at: when the oldest event
happened that is not delivered. previous_until: until when the secret before signs, too.
Errors: WA001 unknown wallet; WA002 invalid argument; WA024 invalid position; WA026 unknown asset; WA027 operators
only; WA036 a transaction that was under way stays open: try again; WA041 the history that p_after is of has ended
before it; WA044 there are 100. $$;
