-- Every `limit 1` is for the planner, as in wallet.described_entries().
create or replace function wallet.described_event(
  p_id bigint,
  p_type text,
  p_wallet_id uuid,
  p_side uuid default null
)
returns json
language sql
stable
as $$
  select json_build_object(
    'specversion', '1.0',
    'id', p_id::text,
    'source', 'urn:uuid:' || (select i.source_id from wallet.installation i),
    'type', 'pgwallet.' || p_type,
    'subject', coalesce(p_side::text, p_wallet_id::text, d.data ->> 'user_id'),
    'time', d.data ->> 'created_at',
    'datacontenttype', 'application/json',
    'data', d.data
  )
  from (
    select case split_part(p_type, '.', 1)
      when 'transaction' then wallet.transaction_event(p_id, p_side)
      when 'hold' then wallet.hold_event(p_id)
      else wallet.account_event(p_id)
    end
  ) as d (data)
$$;

comment on function wallet.described_event(bigint, text, uuid, uuid) is
'An event as CloudEvents 1.0 has it, by its id, type and wallet as wallet.event_refs() finds them. p_side: as the owner of this wallet sees it, one side alone; null: both.';
