begin
  if p_run_id is not null then
    v_number := wallet_proxy.number_of_row(p_run_id);
    return query select * from wallet_proxy.wallet_verification_runs(
      wallet_proxy.partition_of(v_number), p_limit, p_before_id, p_run_id, p_actor
    );
    return;
  end if;
  perform wallet_proxy.require_newest_page(p_before_id);
  return query
  select *
  from wallet_proxy.all_wallet_verification_runs(p_limit, null, null, p_actor) r
  order by r.started_at desc, r.id desc
  limit p_limit;
end;
