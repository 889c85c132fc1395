create or replace function wallet.hold(
  p_request wallet.request,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  c_open_holds constant integer := 100;
  c_default_seconds constant integer := 604800;
  v_amount constant bigint := p_request.amount;
  v_available bigint;
  v_code text;
  v_limit jsonb;
  v_id bigint;
  v_outcome wallet.outcome;
begin
  v_available := wallet.available(p_wallet.balance, p_wallet.held, p_wallet.floor);
  v_code := wallet.check_change(-v_amount, p_wallet.balance, v_available, p_wallet.status, p_wallet.max_balance);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, p_wallet);
  end if;
  if p_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, 'hold', v_amount, p_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;
  if p_wallet.has_holds and c_open_holds <= (
    select count(*)
    from wallet.holds h
    where h.wallet_id = p_request.wallet_id and h.status = 'open' and h.expires_at > p_wallet.created_at
  ) then
    return wallet.refused_outcome('WA025', jsonb_build_object('wallet_id', p_request.wallet_id, 'maximum', c_open_holds));
  end if;

  if not p_wallet.has_holds then
    update wallet.wallets w set has_holds = true where w.id = p_request.wallet_id;
  end if;
  insert into wallet.holds as h (wallet_id, txn_id, amount, expires_in, expires_at, reference, metadata, created_at)
  values (
    p_request.wallet_id, p_request.txn_id, v_amount, p_request.expires_in,
    p_wallet.created_at + make_interval(secs => coalesce(p_request.expires_in, c_default_seconds)),
    case when not p_wallet.is_erased then p_request.reference end,
    case when not p_wallet.is_erased then p_request.metadata end, p_wallet.created_at
  )
  returning h.id into v_id;
  v_outcome.result := wallet.write_hold_event(
    p_request, v_id, v_amount, p_wallet,
    wallet.available(p_wallet.balance, p_wallet.held + v_amount, p_wallet.floor)
  );
  return v_outcome;
end;
$$;

comment on function wallet.hold(wallet.request, wallet.locked_wallet) is
  'Sets money aside without posting anything: refuses, or opens a hold. It expires after expires_in seconds, 7 days by default.';
