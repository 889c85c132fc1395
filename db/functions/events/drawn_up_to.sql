-- No bound for reading, see wallet_event_mark(). As a position it is safe only with the commit of a transaction that
-- reads it: that commit makes last what the sequence has logged, so that no id up to here is drawn again after a crash.
create or replace function wallet.drawn_up_to()
returns bigint
language sql
volatile
as $$
  select case when s.is_called then s.last_value else s.last_value - 1 end
  from wallet.transaction_ids s
$$;

comment on function wallet.drawn_up_to() is 'The newest id that was drawn for an event, whether or not there is one.';
