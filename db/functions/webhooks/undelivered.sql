-- It counts bounded numbers of rows, so that looking at a webhook that is far behind costs no more than at another.
create or replace function wallet.undelivered(
  p_webhook wallet.webhooks
)
returns table (behind bigint, backlog bigint, dead_letters bigint, oldest_at timestamptz)
language sql
volatile
as $$
  select
    case
      when r.examined = 1000 then wallet.drawn_up_to() - greatest(p_webhook.position, s.number::bigint << 40)
      else r.found
    end,
    (
      select count(*)
      from (select from wallet.webhook_backlog l where l.webhook_id = p_webhook.id limit 10000) l
    ),
    (
      select count(*)
      from (select from wallet.webhook_dead_letters d where d.webhook_id = p_webhook.id limit 10000) d
    ),
    wallet.event_time(least(
      (select min(l.event_id) from wallet.webhook_backlog l where l.webhook_id = p_webhook.id), r.first_id
    ))
  from (
    select count(*), count(*) filter (where m.matches), min(e.id) filter (where m.matches)
    from wallet.event_refs(p_webhook.position, 9223372036854775807, 1000) e
    cross join lateral (
      select e.type is not null
        and (p_webhook.types is null or e.type = any (p_webhook.types))
        and (p_webhook.wallet_id is null or p_webhook.wallet_id in (e.wallet_id, e.counterparty_wallet_id))
        and (p_webhook.asset is null or exists (
          select from wallet.wallets w where w.id = e.wallet_id and w.asset = p_webhook.asset
        ))
    ) as m (matches)
  ) as r (examined, found, first_id)
  cross join wallet.shard s
$$;

comment on function wallet.undelivered(wallet.webhooks) is
$$ How far a webhook is behind. behind: events that it has not got to; from 1,000 rows on a bound, the ids that were
drawn since. backlog: events that it has got to and that are not delivered. dead_letters: those that were given up. Both
are counted up to 10,000. oldest_at: when the oldest event happened that is not delivered. $$;
