//! What only code inside a backend can see. The rest of the SQL surface is tested in `tests/regress`.

use pgrx::prelude::*;

/// The tests run in this schema.
#[pg_schema]
mod tests {
    use pgrx::pg_sys;
    use pgrx::prelude::*;

    /// Calls the transition function of `calibrate_ranges` as an aggregate (or a window function) would.
    fn transition(
        caller: pg_sys::NodeTag,
        state: Option<pg_sys::Datum>,
        embedding: Vec<f32>,
    ) -> pg_sys::Datum {
        let query =
            "SELECT 'quantize.calibrate_ranges_transition(real[],real[])'::regprocedure::oid";
        let oid = Spi::get_one::<pg_sys::Oid>(query).unwrap().unwrap();
        // SAFETY: the call has the layout and the number of arguments that the function is declared with; of its
        // context the function reads the tag only.
        unsafe {
            let mut flinfo = pg_sys::FmgrInfo::default();
            pg_sys::fmgr_info(oid, &mut flinfo);
            let size = size_of::<pg_sys::FunctionCallInfoBaseData>()
                + 2 * size_of::<pg_sys::NullableDatum>();
            let call: pg_sys::FunctionCallInfo = pg_sys::palloc0(size).cast();
            let context: *mut pg_sys::Node = pg_sys::palloc0(size_of::<pg_sys::AggState>()).cast();
            (*context).type_ = caller;
            (*call).flinfo = &mut flinfo;
            (*call).context = context;
            (*call).nargs = 2;
            let arguments = (*call).args.as_mut_slice(2);
            arguments[0].isnull = state.is_none();
            arguments[0].value = state.unwrap_or(pg_sys::Datum::null());
            arguments[1].value = embedding.into_datum().unwrap();
            flinfo.fn_addr.unwrap()(call)
        }
    }

    /// Whether the second row changes the state of the first one where it lies.
    fn updates_in_place(caller: pg_sys::NodeTag) -> bool {
        let first = transition(caller, None, vec![1.0, 2.0]);
        let second = transition(caller, Some(first), vec![3.0, -3.0]);
        // SAFETY: both are arrays.
        let holds = |state, values: [f32; 4]| unsafe {
            let array = Array::<f32>::from_datum(state, false).unwrap();
            array.iter().flatten().eq(values)
        };
        assert!(holds(second, [1.0, -3.0, 3.0, 2.0]));
        let untouched = holds(first, [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(untouched, first != second);
        first == second
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
            let types = [PgBuiltInOids::FLOAT4ARRAYOID.oid()];
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
