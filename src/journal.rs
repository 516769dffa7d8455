//! Every run and what came of it: the «Diário de backup».
