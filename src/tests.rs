//! What only code inside a backend can see. The rest of the SQL surface is tested in `tests/regress`.

use pgrx::prelude::*;

/// Tests run in this schema.
#[pg_schema]
mod tests {
    use pgrx::pg_sys;
    use pgrx::prelude::*;

    /// Calls a transition function of two arguments as an aggregate (or a window function) would.
    fn transition(function: &str, caller: pg_sys::NodeTag, state: pg_sys::Datum) -> pg_sys::Datum {
        let query = format!("SELECT '{function}'::regprocedure::oid, '{{3,-3}}'::real[]");
        let (oid, embedding) = Spi::get_two::<pg_sys::Oid, Vec<f32>>(&query).unwrap();
        let embedding = embedding.into_datum().unwrap();
        // SAFETY: the call has the layout and the number of arguments that the function is declared with; of its
        // context the function reads the tag only.
        unsafe {
            let mut flinfo = pg_sys::FmgrInfo::default();
            pg_sys::fmgr_info(oid.unwrap(), &mut flinfo);
            let size = size_of::<pg_sys::FunctionCallInfoBaseData>()
                + 2 * size_of::<pg_sys::NullableDatum>();
            let call: pg_sys::FunctionCallInfo = pg_sys::palloc0(size).cast();
            let context: *mut pg_sys::Node = pg_sys::palloc0(size_of::<pg_sys::AggState>()).cast();
            (*context).type_ = caller;
            (*call).flinfo = &mut flinfo;
            (*call).context = context;
            (*call).nargs = 2;
            let arguments = (*call).args.as_mut_slice(2);
            arguments[0].value = state;
            arguments[1].value = embedding;
            flinfo.fn_addr.unwrap()(call)
        }
    }

    /// The state of an aggregate over `{1,2}`, and whether the next row changes it where it lies.
    fn updates_in_place(caller: pg_sys::NodeTag) -> bool {
        let first = Spi::get_one::<AnyElement>("SELECT calibrate_ranges('{1,2}'::real[])");
        // SAFETY: a copy in our own memory, which outlives the query's.
        let state = unsafe {
            let datum = first.unwrap().unwrap().datum();
            pg_sys::Datum::from(pg_sys::pg_detoast_datum_copy(datum.cast_mut_ptr()))
        };
        let next = transition("calibrate_ranges_transition(real[],real[])", caller, state);
        // SAFETY: both are arrays.
        let values = |datum| unsafe { Array::<f32>::from_datum(datum, false).unwrap() };
        assert!(values(next).iter().flatten().eq([1.0, -3.0, 3.0, 2.0]));
        let untouched = values(state).iter().flatten().eq([1.0, 2.0, 1.0, 2.0]);
        assert_eq!(untouched, next != state);
        next == state
    }

    #[pg_test]
    fn an_aggregate_updates_its_state_in_place() {
        assert!(updates_in_place(pg_sys::NodeTag::T_AggState));
    }

    #[pg_test]
    fn a_window_function_keeps_the_state_of_the_row_before() {
        assert!(!updates_in_place(pg_sys::NodeTag::T_WindowAggState));
    }

    #[pg_test]
    fn a_saved_plan_follows_its_parameter() {
        Spi::connect(|client| {
            let types = [PgBuiltInOids::FLOAT4ARRAYOID.oid().into()];
            let plan = client
                .prepare("SELECT '101'::binvec <#> $1", &types)
                .unwrap();
            for n in 0..50 {
                let query = vec![n as f32, 1.0, 0.5];
                let row = client.select(&plan, Some(1), &[query.into()]).unwrap();
                let distance: Option<f64> = row.first().get_one().unwrap();
                assert_eq!(distance, Some(0.5 - f64::from(n)));
            }
        });
    }
}
