create or replace function wallet.described_events(
  p_ids bigint[],
  p_types text[],
  p_wallet_ids uuid[],
  p_sides uuid[] default null
)
returns table (place bigint, event json)
language sql
stable
as $$
  select d.place, json_build_object(
    'specversion', '1.0',
    'id', p_ids[d.place]::text,
    'source', 'urn:uuid:' || (select i.source_id from wallet.installation i),
    'type', 'pgwallet.' || p_types[d.place],
    'subject', coalesce(p_sides[d.place]::text, p_wallet_ids[d.place]::text, d.user_id::text),
    'time', wallet.moment(d.created_at),
    'datacontenttype', 'application/json',
    'data', d.data
  )
  from (
    select t.place, null::uuid as user_id, t.created_at, t.data
    from wallet.transaction_events(p_ids, p_types, p_sides) t
    union all
    select h.place, null, h.created_at, h.data
    from wallet.hold_events(p_ids, p_types) h
    union all
    select a.place, a.user_id, a.created_at, a.data
    from wallet.account_events(p_ids, p_types) a
  ) d
$$;

comment on function wallet.described_events(bigint[], text[], uuid[], uuid[]) is
$$ Events as CloudEvents 1.0 has them, by id, type and wallet as wallet.event_refs() finds them; place is that in the
arrays, and rows come in any order. p_sides: as the owner of this wallet sees it, one side alone; null: both. One call
for a page: one for each event took eight times as long. $$;
