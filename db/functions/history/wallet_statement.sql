create or replace function public.wallet_statement(
  p_wallet_id uuid,
  p_from timestamptz,
  p_to timestamptz,
  p_actor uuid default null,
  p_key_id uuid default null
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
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
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

comment on function public.wallet_statement(uuid, timestamptz, timestamptz, uuid, uuid) is
$$ The statement of a user wallet from p_from until before p_to: a line 'opening' with the balance at p_from, a line
'entry' for each entry, oldest first, and a line 'closing' with the balance at p_to. Opening balance and amounts add
up to the closing balance. The same statement does not change later, but for details that are erased, and as
wallet_balance_at() says.

p_from, p_to recorded time, not in the future
p_actor      the user on whose behalf it is called; null for an administrator alone
p_key_id     the key of a machine that acts for that user; null for none

Linear in what it prints. Errors: WA001 unknown wallet; WA002 invalid argument; WA007 isolation level; WA023 a moment
in the future; WA036 not final yet: try again; WA047 not for this key. $$;
