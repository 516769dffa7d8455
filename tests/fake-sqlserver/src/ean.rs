//! Article numbers (EAN-13) as they stand on packages.

/// The article number of a maker's product: the prefix of Brazil, five digits of the maker, four of the product, the check digit.
/// What does not fit is cut off at its left.
pub(crate) fn ean13(maker: u32, product: u32) -> [u8; 13] {
    let mut code = *b"7890000000000";
    digits(&mut code[3..8], maker);
    digits(&mut code[8..12], product);
    let weighted = code[..12].iter().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    code[12] = b'0' + ((10 - sum % 10) % 10) as u8;
    code
}

fn digits(out: &mut [u8], mut number: u32) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::ean13;

    #[test]
    fn the_check_digit_is_right() {
        assert_eq!(&ean13(10_001, 0), b"7891000100004");
        assert_eq!(&ean13(10_003, 1550), b"7891000315507");
    }
}
