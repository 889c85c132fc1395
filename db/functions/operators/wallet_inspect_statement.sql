-- Not by way of wallet_statement(): a whole statement would be stored twice.
create or replace function public.wallet_inspect_statement(
  p_wallet_id uuid,
  p_from timestamptz,
  p_to timestamptz,
  p_actor uuid default null
)
returns table (
  line text, seq bigint, id bigint, txn_id uuid, type text, amount bigint, balance bigint, reference text,
  metadata jsonb,
  counterparty_wallet_id uuid, counterparty_username text, effective_at timestamptz, created_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_bounds record;
begin
  perform wallet.inspect(p_wallet_id, 'statement', p_actor);
  select b.* into v_bounds
  from wallet.statement_bounds(p_wallet_id, p_from, p_to) b;

  line := 'opening';
  created_at := p_from;
  balance := v_bounds.opening;
  return next;
  return query
  select 'entry', e.*
  from wallet.described_entries(p_wallet_id, v_bounds.low + 1, v_bounds.high) e
  order by e.seq;
  line := 'closing';
  created_at := p_to;
  balance := v_bounds.closing;
  return next;
end;
$$;

comment on function public.wallet_inspect_statement(uuid, timestamptz, timestamptz, uuid) is
$$ Operators: the statement of any user wallet, and leaves on record that it was shown. Same arguments, lines and errors
as wallet_statement(), and WA027 for an actor who is no operator. $$;
