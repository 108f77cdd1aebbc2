//! qivf
