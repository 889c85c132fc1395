-- STABLE, so that all its queries see one snapshot: a check that reads twice under load reports what was never wrong.
-- Each rule reads the ledger along its keys and joins row by row, whatever the planner prefers. So neither memory nor
-- temporary files grow with the ledger, and a plan that was made for a small ledger suits a large one.
create or replace function public.wallet_verify(
  p_chain boolean default true
)
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set enable_material = off
set jit = off
as $$
declare
  c_rules constant text[] := wallet.verification_rules();
  v_place integer;
  v_rule text;
  v_call text;
begin
  for v_place, v_rule in select r.place - 1, r.rule from unnest(c_rules) with ordinality r (rule, place) loop
    perform wallet.tell_progress(jsonb_build_object('rule', v_rule, 'rules_done', v_place, 'rules', cardinality(c_rules)));
    v_call := format('select * from wallet.%I(%s)', 'verify_' || v_rule, case v_rule when 'ledger' then format('%L', p_chain) end);
    begin
      return query execute v_call;
    -- a rule that fails on what is stored must not keep the others from being judged
    exception when others then
      return query select 'unjudged', null::uuid, null::bigint, null::bigint, format('%s fails: %s (%s)', v_call, sqlerrm, sqlstate);
    end;
  end loop;
end;
$$;

comment on function public.wallet_verify(boolean) is
$$ One row per violation of the ledger's rules, none when all is well. Reads the whole ledger in one snapshot.

transaction_entries  a transaction without exactly two entries in one asset that net to zero
transaction_amount   a transaction whose entry in its wallet is not its amount, signed by its type
entry_transaction    an entry whose transaction does not exist; entry_wallet: whose wallet does not exist
sequence             a gap or repetition in a user wallet's seq
running_balance      a balance_after that is not the sum of the entries up to it
created_at           an entry recorded before its predecessor, or a recorded_at that is not its predecessor's time
hash                 an entry, transaction or details that differ from what the wallet's hash chain has
floor                a user wallet whose balance is below its floor; held: open holds above what may be held
counterparty         a transaction whose other entry is not in the system wallet of its type, or, of a transfer inside
                     this database, the recipient's
hold                 a hold that is not what its events make of it, or events that differ from what their hash chain has
capture              a capture without a hold's event, or with several
available            what was available after a transaction does not follow from balance, holds and a floor that was set
refund               refunds above their original, of another wallet, or without one
system_entry         a system wallet's entry with a seq, balance, time or hash of its own
wallet               a wallet that is neither a user's nor a system wallet, or whose marks are not what they stand for
operator_action      status, floor, balance limit or limits that are not what operators set last; a confirmed request
                     without its transaction
limit_usage          what counts against a wallet's limits is not what moved in the last 30 days
erasure              details erased without an erasure on record; an erasure that user, wallets and record do not
                     agree on
outbox               a transfer to another database without its row of the outbox, or a row without its transfer, or
                     without what its status says: the transaction that returned it
inbox                a transfer from another database without its row of the inbox, or a row without its transaction
key                  the use of a key of which nothing is on record, of a key that does not exist, or of what the key
                     may not do: another scope, another user
sequence_behind      a sequence that would give out what is stored already, or numbers of another database; `pgwallet
                     migrate` mends it
home                 a user, wallet or name that lives in another database, and is no operator's copy
number               numbers of transactions, events or holds that another database gives out
unjudged             rules that could not be judged because of what is stored

Warnings, which are no violations, begin with `warning: `:
warning: future        a wallet's newest entry is in the future, as after a clock was set back
warning: effective_at  an effective_at outside the years 1 to 9999
warning: name          a user erased before names were reserved: somebody else may have the name

p_chain false leaves out sequence, running_balance, created_at and hash, which `pgwallet verify` judges by itself

How far it is comes as messages of level DEBUG1, see wallet_run_verification().

For administrators; safe while the service runs. $$;
