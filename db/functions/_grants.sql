-- Applied after all functions: PUBLIC may call nothing, service and relay what they need. tests/sql holds a reviewed
-- snapshot.
revoke all on all functions in schema wallet from public;
alter default privileges for role wallet_owner revoke execute on functions from public;
alter default privileges for role wallet_owner revoke usage on types from public;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proowner = 'wallet_owner'::regrole
  loop
    execute format('revoke all on function %s from public, wallet_api, wallet_relay', v_function);
  end loop;
end;
$$;

grant execute on function
  public.wallet_adjust,
  public.wallet_assets,
  public.wallet_audit,
  public.wallet_balance,
  public.wallet_balance_at,
  public.wallet_balance_history,
  public.wallet_balances,
  public.wallet_batch,
  public.wallet_can_receive,
  public.wallet_capture,
  public.wallet_change_password,
  public.wallet_change_webhook,
  public.wallet_claim_verification,
  public.wallet_confirm,
  public.wallet_confirmations,
  public.wallet_create_password_reset,
  public.wallet_create_webhook,
  public.wallet_delete_webhook,
  public.wallet_deliveries,
  public.wallet_demo_accounts,
  public.wallet_end_session,
  public.wallet_entries,
  public.wallet_entry,
  public.wallet_erase_user,
  public.wallet_event_feed,
  public.wallet_event_mark,
  public.wallet_event_settled,
  public.wallet_events,
  public.wallet_events_by_id,
  public.wallet_fence_holders,
  public.wallet_find,
  public.wallet_find_request,
  public.wallet_fund,
  public.wallet_give_back,
  public.wallet_highest_cost,
  public.wallet_hold,
  public.wallet_holds,
  public.wallet_in_transit,
  public.wallet_inspect_entries,
  public.wallet_inspect_hold,
  public.wallet_inspect_holds,
  public.wallet_inspect_statement,
  public.wallet_inspect_transaction,
  public.wallet_inspect_user,
  public.wallet_inspect_wallet,
  public.wallet_last_verification,
  public.wallet_list,
  public.wallet_locate,
  public.wallet_me,
  public.wallet_names,
  public.wallet_newest_event,
  public.wallet_note_verification,
  public.wallet_open,
  public.wallet_open_holds,
  public.wallet_own_hold,
  public.wallet_pause_webhook,
  public.wallet_preview_transfer,
  public.wallet_principal,
  public.wallet_propose,
  public.wallet_prune_deliveries,
  public.wallet_recipients,
  public.wallet_recorded,
  public.wallet_refund,
  public.wallet_register,
  public.wallet_rehash,
  public.wallet_reject,
  public.wallet_relay_backlog,
  public.wallet_relay_events,
  public.wallet_relay_give_secret,
  public.wallet_relay_progress,
  public.wallet_relay_take,
  public.wallet_relay_webhooks,
  public.wallet_replay_webhook,
  public.wallet_require_password_reset,
  public.wallet_require_username,
  public.wallet_reset_password,
  public.wallet_resume_webhook,
  public.wallet_retry_dead_letters,
  public.wallet_revocations,
  public.wallet_rotate_webhook_secret,
  public.wallet_run_verification,
  public.wallet_search,
  public.wallet_session,
  public.wallet_set_limits,
  public.wallet_set_status,
  public.wallet_sign_in,
  public.wallet_sign_in_failed,
  public.wallet_sign_in_succeeded,
  public.wallet_sign_out,
  public.wallet_sign_out_everywhere,
  public.wallet_spend,
  public.wallet_start_session,
  public.wallet_start_verification,
  public.wallet_statement,
  public.wallet_sweep,
  public.wallet_test_webhook,
  public.wallet_topup,
  public.wallet_transaction,
  public.wallet_transfer,
  public.wallet_trial_balance,
  public.wallet_user_events,
  public.wallet_users,
  public.wallet_verification_runs,
  public.wallet_verifications,
  public.wallet_verify_entry,
  public.wallet_void,
  public.wallet_wal_position,
  public.wallet_webhook,
  public.wallet_webhook_dead_letters,
  public.wallet_webhook_deliveries,
  public.wallet_webhooks
to wallet_api;

-- Whoever delivers can make money by a forged transfer: the service, which everybody reaches, may not.
grant execute on function
  public.wallet_conclude,
  public.wallet_conclude_erasures,
  public.wallet_erase_received,
  public.wallet_erased_outbox,
  public.wallet_outbox,
  public.wallet_outbox_destinations,
  public.wallet_receive
to wallet_relay;
