-- Makes the requests of a batch as single calls, one after the other, and reports them as the batch does: same columns,
-- a refusal as its SQLSTATE. There is no single call for an unknown type; the answer to that is written here.
create schema testing;

create function testing.singly(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[],
  p_metadata jsonb[],
  p_actors uuid[],
  p_to_wallet_ids uuid[],
  p_original_txn_ids uuid[],
  p_finals boolean[],
  p_expires_in integer[],
  p_effective_at timestamptz[],
  p_key_ids uuid[]
)
returns table (
  ordinal integer,
  outcome text,
  detail jsonb,
  hint text,
  id bigint,
  txn_id uuid,
  wallet_id uuid,
  type text,
  amount bigint,
  asset text,
  scale smallint,
  balance bigint,
  available bigint,
  replayed boolean,
  created_at timestamptz,
  receipt text
)
language plpgsql
as $$
declare
  v_detail text;
begin
  for i in 1 .. cardinality(p_types) loop
    ordinal := i;
    outcome := null;
    detail := null;
    hint := null;
    begin
      if p_types[i] in ('topup', 'spend', 'transfer', 'hold', 'capture', 'void', 'refund') then
        execute 'select * from public.wallet_' || p_types[i] || case p_types[i]
          when 'transfer' then '($1, $2, $3, $7, null, $4, $5, $11, $6, $12)'
          when 'hold' then '($1, $2, $3, $10, $4, $5, $6, $12)'
          when 'capture' then '($1, $2, $8, $3, $9, $4, $5, $11, $6, $12)'
          when 'void' then '($1, $2, $8, $6, $12)'
          when 'refund' then '($1, $2, $8, $3, $4, $5, $11, $6, $12)'
          else '($1, $2, $3, $4, $5, $11, $6, $12)'
        end
        into id, txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed, created_at, receipt
        using p_wallet_ids[i], p_txn_ids[i], p_amounts[i], p_references[i], p_metadata[i], p_actors[i],
          p_to_wallet_ids[i], p_original_txn_ids[i], p_finals[i], p_expires_in[i], p_effective_at[i], p_key_ids[i];
        outcome := case when replayed then 'replayed' else 'ok' end;
      else
        raise sqlstate 'WA002' using
          detail = jsonb_build_object('field', 'type', 'reason', 'must be topup, spend, transfer, hold, capture, void or refund')::text,
          hint = 'Correct the named field and send the request again with the same txn_id.';
      end if;
    exception when others then
      get stacked diagnostics outcome = returned_sqlstate, v_detail = pg_exception_detail, hint = pg_exception_hint;
      detail := nullif(v_detail, '')::jsonb;
      id := null;
      txn_id := p_txn_ids[i];
      wallet_id := p_wallet_ids[i];
      type := p_types[i];
      amount := p_amounts[i];
      asset := null;
      scale := null;
      balance := null;
      available := null;
      replayed := null;
      created_at := null;
      receipt := null;
    end;
    return next;
  end loop;
end;
$$;

grant usage on schema testing to wallet_api;
