create or replace function public.wallet_erase_user(
  p_user_id uuid,
  p_reason text,
  p_actor uuid default null
)
returns table (user_id uuid, username text, transactions bigint, holds bigint, erased_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_wallet_ids uuid[];
begin
  perform wallet.require_read_committed();
  perform wallet.require_operator(p_actor);
  if p_user_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'user_id', 'reason', 'must not be null'));
  elsif p_reason is null or length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  end if;
  perform wallet.require_another(p_user_id, p_actor);

  -- user and wallets stay locked, so that a request under way adds no wallet and no details after they were looked for;
  -- wallets first, as every request locks them, then once more with those that were opened meanwhile
  perform from wallet.wallets w where w.owner_id = p_user_id order by w.id for update;
  perform from wallet.users u where u.id = p_user_id for update;
  if p_actor is not null and exists (select from wallet.users u where u.id = p_user_id and u.role = 'operator') then
    perform wallet.raise_error('WA038', jsonb_build_object(
      'field', 'user_id', 'reason', 'is an operator, whom only an administrator erases'
    ));
  end if;
  select array_agg(l.id) into v_wallet_ids
  from (select w.id from wallet.wallets w where w.owner_id = p_user_id order by w.id for update) l;
  update wallet.wallets w set is_erased = true where w.id = any (v_wallet_ids) and not w.is_erased;
  user_id := p_user_id;
  perform wallet.revoke_tokens(p_user_id);
  delete from wallet.password_resets r where p_user_id in (r.user_id, r.actor);
  delete from wallet.operator_logins l where l.user_id = p_user_id;
  insert into wallet.reserved_names (digest, user_id)
  select wallet.name_digest(u.username), u.id
  from wallet.users u
  where u.id = p_user_id and u.erased_at is null
  on conflict on constraint reserved_names_pkey do nothing;
  update wallet.users u
  set username = 'erased-' || gen_random_uuid(), password_hash = 'erased', role = 'user', erased_at = clock_timestamp()
  where u.id = p_user_id and u.erased_at is null
  returning u.username, u.erased_at into username, erased_at;

  -- the recipients' databases have copies of what was sent there, and are told by the relay
  if exists (select from wallet.outbox) then
    perform from wallet.outbox o
    where o.transaction_id in (
      select d.transaction_id
      from wallet.ledger l
      join wallet.transaction_details d on d.transaction_id = l.transaction_id and d.salt is not null
      where l.wallet_id = any (v_wallet_ids)
    ) and o.wallet_id = any (v_wallet_ids)
    order by o.transaction_id
    for update;
    update wallet.outbox o
    set erasure = 'due'
    from wallet.ledger l
    join wallet.transaction_details d on d.transaction_id = l.transaction_id and d.salt is not null
    where l.wallet_id = any (v_wallet_ids) and o.transaction_id = l.transaction_id and o.wallet_id = l.wallet_id;
  end if;
  update wallet.transaction_details d
  set reference = null, metadata = null, effective_at = null, salt = null
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id and t.wallet_id = l.wallet_id
  where l.wallet_id = any (v_wallet_ids) and d.transaction_id = t.id and d.salt is not null;
  get diagnostics transactions = row_count;
  update wallet.holds h
  set reference = null, metadata = null
  where h.wallet_id = any (v_wallet_ids) and num_nonnulls(h.reference, h.metadata) > 0;
  get diagnostics holds = row_count;
  update wallet.confirmations c
  -- an adjustment that waits still needs a reason
  set reference = case c.type when 'adjustment' then 'erased' end, metadata = null, effective_at = null, reason = null
  where c.wallet_id = any (v_wallet_ids) and num_nonnulls(c.reference, c.metadata, c.effective_at, c.reason) > 0;

  if erased_at is null and transactions + holds = 0 then
    perform wallet.raise_error('WA030', jsonb_build_object('user_id', p_user_id));
  end if;
  insert into wallet.erasures (user_id, actor, reason, transactions, holds)
  values (p_user_id, p_actor, p_reason, transactions, holds);
  perform wallet.record_action(
    p_actor, 'erase', p_user_id, null, p_reason,
    p_detail => jsonb_build_object('transactions', transactions, 'holds', holds)
  );
  if wallet.is_here(p_user_id) then
    perform wallet.record_account_event('user.erased', p_user_id);
  end if;
  select u.username, u.erased_at into username, erased_at
  from wallet.users u
  where u.id = p_user_id;
  return next;
end;
$$;

comment on function public.wallet_erase_user(uuid, text, uuid) is
$$ Operators: erases the person behind a user, for good, and records who did it, when and why. The money stays, and so
does the hash chain: it keeps the hashes of the details, which without their salts tell nothing.

Erases reference, metadata, effective_at and salt of the transactions that the user's wallets requested, reference and
metadata of their holds, user name and password; the relay is told to erase the copies that other databases have of
transfers. All tokens end and nobody can sign in; the wallets stay as they are.
The name is not given to anybody else: it stays reserved, as an HMAC under a key of this database (pseudonymous data).
Details that arrive later, as from a request that was under way, are not stored in the clear. Erasing again finishes
what is left. An operator's copy in another database is erased by calling it there, too; only where the user lives it is
an event.

p_reason 1 to 256 characters, mandatory; it stays on record, so it should not name the person
p_actor  the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA029 unknown user; WA030 already erased; WA038 an operator: left
to administrators. $$;
