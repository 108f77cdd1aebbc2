//! What a run of a statement is given: its parameters, and where its rows go.

use std::ffi::CString;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::call::{Call, to_server};
use crate::errors::raise;
use crate::versions::into_tuplestore;

/// Values for the parameters of a statement.
pub struct Parameters {
    list: pg_sys::ParamListInfo,
    options: pg_sys::SPIExecuteOptions,
}

impl Parameters {
    /// Of these types, all null; the rows go to `receiver`.
    pub fn new(types: &[pg_sys::Oid], receiver: &Receiver) -> Self {
        // SAFETY: the list is made with a place for every type.
        unsafe {
            let list = pg_sys::makeParamList(types.len() as i32);
            for (place, &type_) in (*list)
                .params
                .as_mut_slice(types.len())
                .iter_mut()
                .zip(types)
            {
                place.value = pg_sys::Datum::null();
                place.isnull = true;
                place.pflags = pg_sys::PARAM_FLAG_CONST as u16;
                place.ptype = type_;
            }
            Self {
                list,
                options: pg_sys::SPIExecuteOptions {
                    params: list,
                    read_only: true,
                    dest: receiver.0,
                    ..Default::default()
                },
            }
        }
    }

    /// Sets the parameter at this place, counted from 0.
    pub fn set(&mut self, place: usize, value: pg_sys::Datum) {
        // SAFETY: the list has `numParams` places.
        let places = unsafe {
            (*self.list)
                .params
                .as_mut_slice((*self.list).numParams as usize)
        };
        places[place].value = value;
        places[place].isnull = false;
    }

    /// Sets the parameter at this place to what its type reads from a text; null for none.
    pub fn read(&mut self, place: usize, text: Option<&str>) {
        let Some(text) = text else {
            return;
        };
        let Ok(text) = CString::new(to_server(text)) else {
            unreachable!("a text of Postgres holds no zero byte");
        };
        // SAFETY: the type is one that the parser gave to an expression, so it has an input function.
        let value = unsafe {
            let type_ = (*self.list)
                .params
                .as_slice((*self.list).numParams as usize)[place]
                .ptype;
            let (mut input, mut argument) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
            pg_sys::getTypeInputInfo(type_, &mut input, &mut argument);
            pg_sys::OidInputFunctionCall(input, text.as_ptr().cast_mut(), argument, -1)
        };
        self.set(place, value);
    }

    /// For the run.
    pub fn options(&self) -> *const pg_sys::SPIExecuteOptions {
        &self.options
    }
}

/// Takes the rows of a function that returns a set.
pub struct Receiver(*mut pg_sys::DestReceiver);

impl Receiver {
    /// Makes the set that the caller of the function reads, or raises an error when it does not expect one.
    pub fn new(call: &Call) -> Self {
        let info = call.result_info();
        // SAFETY: what the caller of a set-returning function passes is valid during the call; the set belongs to its
        // query.
        unsafe {
            let materialize = pg_sys::SetFunctionReturnMode::SFRM_Materialize as i32;
            if info.is_null()
                || (*info).allowedModes & materialize == 0
                || (*info).expectedDesc.is_null()
            {
                raise(
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in context that cannot accept a set",
                );
            }
            let random = pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as i32;
            let context = (*(*info).econtext).ecxt_per_query_memory;
            let own = pg_sys::MemoryContextSwitchTo(context);
            let store = pg_sys::tuplestore_begin_heap(
                (*info).allowedModes & random != 0,
                false,
                pg_sys::work_mem,
            );
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = pg_sys::CreateTupleDescCopy((*info).expectedDesc);
            pg_sys::MemoryContextSwitchTo(own);
            let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
            into_tuplestore(receiver, store, context);
            Self(receiver)
        }
    }
}
